using FaasCluster.Gateway.Tests.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;

namespace FaasCluster.Gateway.Tests.Dispatches;

/// <summary>A cluster's gateway that delivers without patience and may call back to 127.0.0.1, and to nothing else that is private.</summary>
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
    public static readonly TimeSpan MaximumAge = TimeSpan.FromSeconds(10);

    public static void Add(WebApplicationBuilder builder) => builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
    {
        ["Destinations:Interval"] = "00:00:00.050",
        ["Destinations:FirstBackoff"] = "00:00:00.050",
        ["Destinations:LongestBackoff"] = "00:00:00.500",
        ["Destinations:Timeout"] = "00:00:02",
        ["Destinations:MaximumAge"] = MaximumAge.ToString(),
        ["Destinations:AllowedNetworks:0"] = "127.0.0.1/32",
    });
}
