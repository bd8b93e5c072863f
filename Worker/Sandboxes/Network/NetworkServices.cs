using FaasCluster.Worker.Sandboxes.Native;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>What the networks of all sandboxes of one worker share.</summary>
internal sealed class NetworkServices(
    IOptions<SandboxOptions> options, IEgressPolicy policy, HostAddresses host, PlatformAddresses platform, HostResolver resolver, GatewayEndpoint gateway, NetworkMetrics metrics)
{
    public SandboxOptions Options => options.Value;

    public IEgressPolicy Policy => policy;

    public HostAddresses Host => host;

    public PlatformAddresses Platform => platform;

    public HostResolver Resolver => resolver;

    public GatewayEndpoint Gateway => gateway;

    public NetworkMetrics Metrics => metrics;

    /// <summary>Of all sandboxes together: each needs two descriptors, and half of what the worker may open is left for everything else.</summary>
    public ConnectionCount Connections { get; } = new(MostDescriptors() / 4, "the limit of open files (LimitNOFILE) of the worker");

    private static unsafe int MostDescriptors()
    {
        var limits = stackalloc ulong[2];
        return Libc.prlimit(0, Libc.RLIMIT_NOFILE, null, limits) < 0 ? 1024 : (int)Math.Min(limits[0], 4_000_000);
    }
}
