using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Functions;

/// <summary>Bounds the packages that are held in memory at the same time.</summary>
internal sealed class DeployGate(IOptions<GatewayOptions> options) : IDisposable
{
    private readonly SemaphoreSlim turns = new(options.Value.ConcurrentDeploys);

    /// <summary>Waits for its turn; disposing the result ends it.</summary>
    public async Task<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        await turns.WaitAsync(cancellationToken);
        return new Turn(turns);
    }

    public void Dispose() => turns.Dispose();

    private sealed class Turn(SemaphoreSlim turns) : IDisposable
    {
        public void Dispose() => turns.Release();
    }
}
