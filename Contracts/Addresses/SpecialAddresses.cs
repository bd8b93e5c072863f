using System.Net;
using System.Net.Sockets;

namespace FaasCluster.Contracts.Addresses;

/// <summary>
/// Which addresses are of the public internet, and which are not: private networks, hosts themselves, link-local addresses (where clouds
/// keep their credentials), what is reserved, and tunnels into any of these.
/// </summary>
public static class SpecialAddresses
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

    private static readonly IPNetwork Compatible = IPNetwork.Parse("::/96");
    private static readonly IPNetwork Translated = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork TranslatedLocally = IPNetwork.Parse("64:ff9b:1::/48");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork Teredo = IPNetwork.Parse("2001::/32");

    /// <summary>Whether an address is one of the public internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        var plain = Plain(address);
        return (plain.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(plain)) && !Special.Any(network => network.Contains(plain));
    }

    /// <summary>The address as the kernel takes it: ::ffff:127.0.0.1 is 127.0.0.1 to it.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>
    /// The address, and that of IPv4 that it leads to where tunnels or translators exist: compatible (RFC 4291), NAT64 (RFC 6052, 8215),
    /// 6to4 (RFC 3056), Teredo (RFC 4380: its server, and its client in inverted bits), ISATAP (RFC 5214).
    /// </summary>
    public static IEnumerable<IPAddress> Reached(IPAddress address)
    {
        var plain = Plain(address);
        yield return plain;
        if (plain.AddressFamily == AddressFamily.InterNetwork)
        {
            yield break;
        }

        var bytes = plain.GetAddressBytes();
        if (Compatible.Contains(plain) || Translated.Contains(plain) || TranslatedLocally.Contains(plain) || IsIsatap(bytes))
        {
            yield return new IPAddress(bytes.AsSpan(12));
        }

        if (SixToFour.Contains(plain))
        {
            yield return new IPAddress(bytes.AsSpan(2, 4));
        }

        if (Teredo.Contains(plain))
        {
            yield return new IPAddress(bytes.AsSpan(4, 4));
            yield return new IPAddress([(byte)~bytes[12], (byte)~bytes[13], (byte)~bytes[14], (byte)~bytes[15]]);
        }
    }

    private static bool IsIsatap(byte[] bytes) => bytes[8] is 0 or 2 && bytes[9] == 0 && bytes[10] == 0x5e && bytes[11] == 0xfe;

    private static IPNetwork[] Parse(IEnumerable<string> networks) => [.. networks.Select(network => IPNetwork.Parse(network))];
}
