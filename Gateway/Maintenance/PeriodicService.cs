namespace FaasCluster.Gateway.Maintenance;

/// <summary>Does something again and again, from the moment the store is up to date. Says once that it fails, and once that it works again.</summary>
internal abstract class PeriodicService(StoreStart start, TimeProvider time, ILogger logger) : BackgroundService
{
    /// <summary>What it does, for the log: "look for waiting functions".</summary>
    protected abstract string Purpose { get; }

    protected TimeProvider Time => time;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await start.Ready.WaitAsync(stoppingToken);
        var failing = false;
        while (true)
        {
            TimeSpan wait;
            try
            {
                wait = await RunOnceAsync(stoppingToken);
                if (failing)
                {
                    Log.PeriodicWorks(logger, Purpose);
                }

                failing = false;
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                if (!failing)
                {
                    Log.PeriodicFails(logger, Purpose, exception);
                }

                failing = true;
                wait = RetryTime;
            }

            await WaitAsync(wait, stoppingToken);
        }
    }

    private static TimeSpan RetryTime => TimeSpan.FromSeconds(1);

    /// <summary>One round; returns how long to wait for the next.</summary>
    protected abstract Task<TimeSpan> RunOnceAsync(CancellationToken cancellationToken);

    protected virtual Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken) => Task.Delay(wait, time, cancellationToken);
}
