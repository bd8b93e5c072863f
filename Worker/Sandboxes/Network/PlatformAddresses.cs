using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// Addresses of the broker and the database that this worker uses, by its connection strings. Names are looked up at the start and
/// then every half minute; what a name meant before stays refused.
/// </summary>
internal sealed class PlatformAddresses : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<(string Host, int Port)> servers;
    private readonly Lock gate = new();
    private readonly HashSet<IPEndPoint> found = [];
    private readonly ITimer timer;

    public PlatformAddresses(IConfiguration configuration, TimeProvider time)
    {
        servers = [.. Servers(configuration).Distinct()];
        var interval = servers.Count > 0 ? Interval : Timeout.InfiniteTimeSpan;
        timer = time.CreateTimer(_ => _ = LookUpAsync(), null, interval, interval);
    }

    /// <summary>Where they are, as far as their names are known.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints
    {
        get
        {
            lock (gate)
            {
                return [.. found];
            }
        }
    }

    /// <summary>Looks up the names; those that nobody knows now are tried again later.</summary>
    public async Task LookUpAsync()
    {
        foreach (var (host, port) in servers)
        {
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                var addresses = await Dns.GetHostAddressesAsync(host, patience.Token);
                lock (gate)
                {
                    found.UnionWith(addresses.Select(address => new IPEndPoint(address, port)));
                }
            }
            catch (Exception exception) when (exception is SocketException or ArgumentException or OperationCanceledException)
            {
                // Tried again; nor can the worker itself connect to it meanwhile.
            }
        }
    }

    /// <summary>Whether it is the broker's or the database's, whatever the port: nothing else there is a function's business.</summary>
    public bool Contains(IPAddress address)
    {
        lock (gate)
        {
            return found.Any(server => server.Address.Equals(address));
        }
    }

    public void Dispose() => timer.Dispose();

    /// <summary>The names and addresses in the connection strings, with their ports.</summary>
    internal static IEnumerable<(string Host, int Port)> Servers(IConfiguration configuration)
    {
        foreach (var node in Split(configuration.GetConnectionString("RabbitMq")))
        {
            if (Uri.TryCreate(node, UriKind.Absolute, out var uri) && uri.Host.Length > 0)
            {
                yield return (uri.DnsSafeHost, uri.Port > 0 ? uri.Port : uri.Scheme == "amqps" ? 5671 : 5672);
            }
        }

        var (hosts, standard) = Database(configuration.GetConnectionString("Postgres"));
        foreach (var server in Split(hosts))
        {
            // A name or an address, perhaps with a port: [::1]:5432. Or a directory of Unix sockets.
            if (server[0] is not ('/' or '@'))
            {
                yield return Uri.TryCreate("tcp://" + (server.Count(c => c == ':') > 1 && server[0] != '[' ? $"[{server}]" : server), UriKind.Absolute, out var uri)
                    ? (uri.DnsSafeHost, uri.Port > 0 ? uri.Port : standard)
                    : (server, standard);
            }
        }
    }

    private static string[] Split(string? text) => (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static (string? Hosts, int Port) Database(string? connection)
    {
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(connection);
            return (settings.Host, settings.Port);
        }
        catch (ArgumentException)
        {
            // The store says what is wrong with it.
            return default;
        }
    }
}
