using System.Security.Cryptography;
using System.Text;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Maintenance;

namespace FaasCluster.Gateway.Maintenance;

/// <summary>
/// Brings the store up to date before anything uses it. A store that is away does not keep the gateway from starting: it
/// answers 503 and goes on trying, so that the order in which a cluster is started does not matter.
/// </summary>
internal sealed class StoreStart(IStoreMaintenance maintenance, IAccountStore accounts, BootstrapKey key, TimeProvider time, ILogger<StoreStart> logger)
    : IHostedLifecycleService, IDisposable
{
    private static readonly TimeSpan RetryTime = TimeSpan.FromSeconds(1);
    private readonly CancellationTokenSource stopping = new();
    private readonly TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task retrying = Task.CompletedTask;

    /// <summary>Ends when the store is up to date.</summary>
    public Task Ready => ready.Task;

    /// <summary>Null once the store is up to date; else why it is not.</summary>
    public string? Problem { get; private set; } = "The store was not reached since the start.";

    // Before the start of any other service of the process: those may use the store from their start on.
    public async Task StartingAsync(CancellationToken cancellationToken)
    {
        var secret = key.Read();
        if (!await TryAsync(secret, cancellationToken))
        {
            retrying = RetryAsync(secret);
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await stopping.CancelAsync();
        await retrying;
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => stopping.Dispose();

    private async Task RetryAsync(string secret)
    {
        try
        {
            do
            {
                await Task.Delay(RetryTime, time, stopping.Token);
            }
            while (!await TryAsync(secret, stopping.Token));
            Log.StoreReached(logger);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            Problem = $"The store cannot be brought up to date: {exception.Message}";
            Log.MigrationFailed(logger, exception);
            ready.TrySetException(exception);
        }
    }

    private async Task<bool> TryAsync(string secret, CancellationToken cancellationToken)
    {
        try
        {
            await maintenance.MigrateAsync(cancellationToken);
            await maintenance.EnsurePartitionsAsync(cancellationToken);
            await accounts.EnsureDefaultAsync(cancellationToken);
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
            await accounts.AddKeyAsync(WellKnownAccounts.Default, "bootstrap", hash, cancellationToken);
            Problem = null;
            ready.TrySetResult();
            return true;
        }
        catch (StoreUnavailableException exception)
        {
            if (Problem != exception.Message)
            {
                Log.StoreAway(logger, exception.Message);
            }

            Problem = exception.Message;
            return false;
        }
    }
}
