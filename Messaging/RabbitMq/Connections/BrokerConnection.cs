using Microsoft.Extensions.Logging;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Connections;

/// <summary>
/// A connection that is made again whenever it is lost. The library's own recovery is off: docs/adr/0003-reconnection.md says why.
/// </summary>
internal sealed class BrokerConnection : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>For so long after a loss callers wait for the next link; after that they are refused at once.</summary>
    private static readonly TimeSpan Hope = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(5);

    private readonly string name;
    private readonly BrokerAddresses addresses;
    private readonly Func<BrokerLink, CancellationToken, Task> prepare;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly string setting;
    private readonly BackgroundLoop background;
    private readonly Lock gate = new();
    private TaskCompletionSource<BrokerLink> next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long lostAt;
    private volatile BrokerLink? current;
    private volatile string? failure;
    private int turn = Random.Shared.Next(1_000);

    /// <param name="name">What it is for; the broker shows it.</param>
    /// <param name="addresses">The broker's nodes; any of them will do.</param>
    /// <param name="prepare">Runs on every new link before anybody gets it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where losses and recoveries are logged.</param>
    /// <param name="setting">Where its address is configured, for messages.</param>
    public BrokerConnection(
        string name,
        BrokerAddresses addresses,
        Func<BrokerLink, CancellationToken, Task> prepare,
        TimeProvider time,
        ILogger logger,
        string setting = "ConnectionStrings:RabbitMq")
    {
        this.name = name;
        this.addresses = addresses;
        this.prepare = prepare;
        this.time = time;
        this.logger = logger;
        this.setting = setting;
        lostAt = time.GetTimestamp();
        background = new BackgroundLoop(KeepConnectedAsync);
    }

    /// <summary>The link, if there is one and it lives.</summary>
    public BrokerLink? Current => current is { IsOpen: true } link ? link : null;

    /// <summary>Null if messages can flow; else what is wrong and what to do.</summary>
    public string? Problem => Current switch
    {
        { BlockedReason: { } reason } => $"RabbitMQ at {addresses} takes no messages: {reason}. Give it memory or disk, or wait until its queues are shorter.",
        { } => null,
        null => $"RabbitMQ at {addresses} cannot be reached ({failure ?? "not tried yet"}). Check that it runs and that {setting} is right.",
    };

    public void Start() => background.Start();

    /// <summary>The next link that lives; waits as long as it takes.</summary>
    public async Task<BrokerLink> WhenConnectedAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (Current is { } link)
            {
                return link;
            }

            Task<BrokerLink> coming;
            lock (gate)
            {
                coming = next.Task;
            }

            if (await coming.WaitAsync(cancellationToken) is { IsOpen: true } opened)
            {
                return opened;
            }
        }
    }

    /// <summary>The link; waits a moment if it was lost a moment ago. Null if there is none.</summary>
    public async ValueTask<BrokerLink?> TryGetAsync(CancellationToken cancellationToken)
    {
        if (Current is { } link)
        {
            return link;
        }

        var patience = Hope - time.GetElapsedTime(Interlocked.Read(ref lostAt));
        if (patience <= TimeSpan.Zero)
        {
            return null;
        }

        try
        {
            return await WhenConnectedAsync(cancellationToken).WaitAsync(patience, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await background.DisposeAsync();
        lock (gate)
        {
            next.TrySetCanceled(CancellationToken.None);
        }
    }

    private async Task KeepConnectedAsync(CancellationToken cancellationToken)
    {
        var pause = FirstPause;

        // Why it cannot be reached is logged once for each reason, not for each try.
        var told = new HashSet<(BrokerAddress Address, string Reason)>();
        while (!cancellationToken.IsCancellationRequested)
        {
            IConnection? connection = null;
            var address = addresses.All[turn % addresses.All.Count];
            try
            {
                connection = await MakeFactory(address).CreateConnectionAsync(name, cancellationToken);
                var link = new BrokerLink(connection);
                await prepare(link, cancellationToken);
                Log.Connected(logger, name, address);
                pause = FirstPause;
                told.Clear();
                Announce(link);
                var reason = await link.Closed.WaitAsync(cancellationToken);
                Withdraw(reason.ToString());
                Log.ConnectionLost(logger, name, address, reason.ReplyText);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception)
            {
                var reason = Innermost(exception);
                if (told.Add((address, reason)))
                {
                    Log.ConnectFailed(logger, name, address, reason, setting);
                }

                Withdraw(reason);
            }
            finally
            {
                // A connection that the broker does not read from any more cannot be closed politely: only the last one is waited for.
                var closing = CloseAsync(connection);
                await (cancellationToken.IsCancellationRequested ? Task.WhenAny(closing, Task.Delay(Farewell, time, CancellationToken.None)) : Task.CompletedTask);
            }

            try
            {
                await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            // The next node of the broker: this one may be gone for good.
            turn++;
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        Withdraw("It is closed.");
    }

    private void Announce(BrokerLink link)
    {
        lock (gate)
        {
            failure = null;
            current = link;
            next.TrySetResult(link);
        }
    }

    private void Withdraw(string reason)
    {
        lock (gate)
        {
            failure = reason;
            if (current is not null)
            {
                current = null;
                Interlocked.Exchange(ref lostAt, time.GetTimestamp());
            }

            if (next.Task.IsCompleted)
            {
                next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
    }

    private static ConnectionFactory MakeFactory(BrokerAddress address) => new()
    {
        HostName = address.Host,
        Port = address.Port,
        VirtualHost = address.VirtualHost,
        UserName = address.User,
        Password = address.Password,
        Ssl = new SslOption { Enabled = address.IsEncrypted, ServerName = address.Host },
        AutomaticRecoveryEnabled = false,
        TopologyRecoveryEnabled = false,
        RequestedConnectionTimeout = TimeSpan.FromSeconds(5),
        ContinuationTimeout = TimeSpan.FromSeconds(20),
        RequestedHeartbeat = TimeSpan.FromSeconds(15),
    };

    private static async Task CloseAsync(IConnection? connection)
    {
        try
        {
            if (connection is not null)
            {
                await connection.DisposeAsync();
            }
        }
        catch (Exception)
        {
            // It is gone either way, and why it went is logged.
        }
    }

    private static string Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception.Message;
    }
}
