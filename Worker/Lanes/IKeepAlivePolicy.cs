using FaasCluster.Contracts.Functions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Lanes;

/// <summary>Decides how long an idle sandbox is worth its memory.</summary>
internal interface IKeepAlivePolicy
{
    /// <summary>How long a sandbox of the function is kept after its last invocation.</summary>
    /// <param name="manifest">Of the revision that was started last; null before the first.</param>
    TimeSpan For(FunctionManifest? manifest);
}

/// <summary>As long as the manifest says, else as long as the worker's settings say.</summary>
internal sealed class FixedKeepAlive(IOptions<WorkerOptions> options) : IKeepAlivePolicy
{
    /// <inheritdoc/>
    public TimeSpan For(FunctionManifest? manifest) => manifest?.KeepAlive ?? options.Value.KeepAlive;
}
