using System.Net;
using FaasCluster.Contracts.Addresses;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// The public internet and what the operator allowed; never the host, the platform's own servers, or where clouds keep credentials,
/// whatever the operator allowed.
/// </summary>
internal sealed class EgressPolicy(IOptions<SandboxOptions> options, HostAddresses host, PlatformAddresses platform) : IEgressPolicy
{
    private static readonly (IPNetwork Network, Refusal Refusal)[] Never =
    [
        (IPNetwork.Parse("0.0.0.0/8"), Refusal.Loopback),
        (IPNetwork.Parse("127.0.0.0/8"), Refusal.Loopback),
        (IPNetwork.Parse("::/127"), Refusal.Loopback),
        (IPNetwork.Parse("169.254.0.0/16"), Refusal.LinkLocal),
        (IPNetwork.Parse("fe80::/10"), Refusal.LinkLocal),

        // Metadata services that are not link-local: AWS and Google over IPv6, Alibaba, Oracle, Azure.
        (IPNetwork.Parse("fd00:ec2::/32"), Refusal.LinkLocal),
        (IPNetwork.Parse("fd20:ce::/32"), Refusal.LinkLocal),
        (IPNetwork.Parse("100.100.100.200/32"), Refusal.LinkLocal),
        (IPNetwork.Parse("192.0.0.192/32"), Refusal.LinkLocal),
        (IPNetwork.Parse("168.63.129.16/32"), Refusal.LinkLocal),
        (IPNetwork.Parse("224.0.0.0/4"), Refusal.Group),
        (IPNetwork.Parse("240.0.0.0/4"), Refusal.Group),
        (IPNetwork.Parse("ff00::/8"), Refusal.Group),
    ];

    private static readonly IPNetwork Translated = IPNetwork.Parse("64:ff9b::/96");

    private readonly IPNetwork[] allowed = [.. options.Value.AllowedNetworks.Select(network => IPNetwork.Parse(network))];

    public Refusal? Judge(IPEndPoint destination)
    {
        var reached = SpecialAddresses.Reached(destination.Address).ToList();
        foreach (var address in reached)
        {
            if (Array.Find(Never, never => never.Network.Contains(address)).Refusal is { } never)
            {
                return never;
            }

            if (host.Contains(address))
            {
                return Refusal.Host;
            }

            if (platform.Contains(address))
            {
                return Refusal.Platform;
            }
        }

        // A host behind NAT64 reaches the internet of IPv4 by such addresses: judged as what they are translated to.
        var judged = Translated.Contains(reached[0]) ? reached[^1] : reached[0];
        return SpecialAddresses.IsPublic(judged) || allowed.Any(network => network.Contains(judged)) ? null : Refusal.Private;
    }
}
