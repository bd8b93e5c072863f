using System.Net;
using System.Net.NetworkInformation;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Addresses of this host, looked up again when one changes and at least every few seconds.</summary>
internal sealed class HostAddresses : IDisposable
{
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(5);

    private readonly TimeProvider time;
    private volatile Known known;

    public HostAddresses(TimeProvider time)
    {
        this.time = time;
        known = Look();
        NetworkChange.NetworkAddressChanged += OnChange;
    }

    /// <summary>Whether the host can reach anything by IPv6.</summary>
    public bool HasIpv6 => Current.HasIpv6;

    private Known Current => time.GetElapsedTime(known.At) < Age ? known : known = Look();

    /// <summary>Whether it is the host's.</summary>
    public bool Contains(IPAddress address) => Current.Addresses.Contains(address);

    public void Dispose() => NetworkChange.NetworkAddressChanged -= OnChange;

    private void OnChange(object? sender, EventArgs arguments) => known = Look();

    private Known Look()
    {
        var at = time.GetTimestamp();
        HashSet<IPAddress> addresses = [];
        var hasIpv6 = false;
        foreach (var network in NetworkInterface.GetAllNetworkInterfaces())
        {
            var properties = network.GetIPProperties();
            foreach (var address in properties.UnicastAddresses.Select(unicast => unicast.Address))
            {
                // Without its scope, as a destination comes.
                addresses.Add(address.IsIPv6LinkLocal ? new IPAddress(address.GetAddressBytes()) : address);
            }

            hasIpv6 |= properties.GatewayAddresses.Any(gateway => gateway.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6);
        }

        return new Known(addresses, hasIpv6, at);
    }

    private sealed record Known(HashSet<IPAddress> Addresses, bool HasIpv6, long At);
}
