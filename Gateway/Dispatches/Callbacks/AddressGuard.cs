using System.Net;
using FaasCluster.Contracts.Addresses;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches.Callbacks;

/// <summary>
/// Which addresses callers may make this gateway connect to: those of the public internet and those that the operator allowed. Private
/// networks, this host, link-local addresses (where clouds keep their credentials) and tunnels into any of these are not among them.
/// </summary>
internal sealed class AddressGuard(IOptions<DispatchOptions> options)
{
    private readonly IPNetwork[] allowed = [.. options.Value.AllowedNetworks.Select(network => IPNetwork.Parse(network))];

    /// <summary>Whether callbacks may connect to it.</summary>
    public bool Allows(IPAddress address)
    {
        var plain = SpecialAddresses.Plain(address);
        return allowed.Any(network => network.Contains(plain)) || SpecialAddresses.IsPublic(plain);
    }

    /// <summary>Whether a text is a network such as 10.1.0.0/16.</summary>
    public static bool IsNetwork(string text) => IPNetwork.TryParse(text, out _);
}
