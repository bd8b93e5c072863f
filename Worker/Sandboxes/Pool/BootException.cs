namespace FaasCluster.Worker.Sandboxes.Pool;

/// <summary>A sandbox did not come up: the worker's or the host's fault, not the function's.</summary>
internal sealed class BootException(string message) : Exception(message)
{
    /// <summary>The worker takes no more.</summary>
    public static BootException Stopping() => new("The worker is stopping.");
}
