using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches.Callbacks;

/// <summary>
/// Which addresses callers may make this gateway connect to: those of the public internet and those that the operator allowed. Private
/// networks, this host, link-local addresses (where clouds keep their credentials) and tunnels into any of these are not among them.
/// </summary>
internal sealed class AddressGuard(IOptions<DispatchOptions> options)
{
    // IANA's registries of special-purpose addresses; what is not reachable from everywhere.
    private static readonly IPNetwork[] Special = Parse(
    [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    ]);

    // The only part of IPv6 that is given out for the internet. Outside lie ::1, fc00::/7, fe80::/10, 64:ff9b::/96 and the rest.
    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    private readonly IPNetwork[] allowed = Parse(options.Value.AllowedNetworks);

    /// <summary>Whether callbacks may connect to it.</summary>
    public bool Allows(IPAddress address)
    {
        // ::ffff:127.0.0.1 is 127.0.0.1 to the kernel.
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return allowed.Any(network => network.Contains(plain)) || IsPublic(plain);
    }

    /// <summary>Whether a text is a network such as 10.1.0.0/16.</summary>
    public static bool IsNetwork(string text) => IPNetwork.TryParse(text, out _);

    private static bool IsPublic(IPAddress address) =>
        (address.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(address)) && !Special.Any(network => network.Contains(address));

    private static IPNetwork[] Parse(IEnumerable<string> networks) => [.. networks.Select(network => IPNetwork.Parse(network))];
}
