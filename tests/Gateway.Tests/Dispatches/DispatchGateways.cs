using FaasCluster.Gateway.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace FaasCluster.Gateway.Tests.Dispatches;

/// <summary>A cluster's gateway that looks and tries again without patience, and may call back to 127.0.0.1, and to nothing else that is private.</summary>
public sealed class ClusterDispatchGateway : ClusterGateway
{
    protected override void Configure(WebApplicationBuilder builder) => DispatchSettings.Add(builder);
}

/// <summary>The same of the embedded mode.</summary>
public sealed class EmbeddedDispatchGateway : EmbeddedGateway
{
    protected override void Configure(WebApplicationBuilder builder) => DispatchSettings.Add(builder);
}

internal static class DispatchSettings
{
    /// <summary>How long one delivery may take: longer than a busy machine takes for one that succeeds.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    public static void Add(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
    {
        ["Destinations:Interval"] = "00:00:00.050",
        ["Destinations:FirstBackoff"] = "00:00:00.050",
        ["Destinations:LongestBackoff"] = "00:00:00.500",
        ["Destinations:Timeout"] = Timeout.ToString(),

        // Nothing is given up by itself while a test runs: see Ends.AgeAsync.
        ["Destinations:MaximumAge"] = "01:00:00",
        ["Destinations:AllowedNetworks:0"] = "127.0.0.1/32",
    });
}
