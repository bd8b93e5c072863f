using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Lanes;

/// <summary>A loaded sandbox of a lane and the memory it holds.</summary>
internal sealed class Slot(ISandbox sandbox, long reservedBytes, long idleSince)
{
    public ISandbox Sandbox => sandbox;

    public long ReservedBytes => reservedBytes;

    public int Revision => sandbox.Revision.Revision;

    /// <summary>Timestamp of the monotonic clock since which it is idle.</summary>
    public long IdleSince { get; set; } = idleSince;
}
