using System.Collections.Concurrent;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using FaasCluster.Processes;
using FaasCluster.Worker.Sandboxes.Network;
using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>
/// Sandboxes with egress, name server and gateway on this host. No real outside is dialled: servers of the tests are on the host's own
/// address, which the policy refuses as any function's, until a test opens an address and a port.
/// </summary>
public class NetworkFixture : SandboxFixture
{
    public const int MostConnections = 250;

    internal TestNameServer Names { get; } = new();

    internal TestServer Gateway { get; } = new(IPAddress.Loopback);

    /// <summary>The host's own address, which nobody but the policy keeps functions from.</summary>
    public static IPAddress HostAddress { get; } = NetworkInterface.GetAllNetworkInterfaces()
        .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback && !network.Name.StartsWith(OtherHost.DevicePrefix, StringComparison.Ordinal))
        .SelectMany(network => network.GetIPProperties().UnicastAddresses)
        .Select(unicast => unicast.Address)
        .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork) ?? IPAddress.None;

    /// <summary>For the constructors of test classes.</summary>
    public static void SkipWithoutHostAddress() => Assert.SkipWhen(HostAddress.Equals(IPAddress.None), "This host has no address but its loopback.");

    internal TestPolicy Policy => (TestPolicy)Get<IEgressPolicy>();

    protected override Dictionary<string, string?> Settings => new()
    {
        ["Sandbox:NameServers:0"] = Names.Address.ToString(),
        ["Sandbox:GatewayUrl"] = $"http://localhost:{Gateway.Port}",
        ["Sandbox:ConnectionsPerSandbox"] = $"{MostConnections}",
        ["Sandbox:AllowedNetworks:0"] = "198.19.0.0/16",
        ["Sandbox:DialTimeout"] = "00:00:30",
        ["ConnectionStrings:RabbitMq"] = "amqp://user:password@198.18.7.1/",
        ["ConnectionStrings:Postgres"] = "Host=198.18.7.2:5433,198.18.7.3;Username=user",
    };

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        Assert.Null(Status.EgressProblem);
    }

    protected override void Configure(IServiceCollection services)
    {
        services.AddSingleton<EgressPolicy>();
        services.AddSingleton<IEgressPolicy, TestPolicy>();
    }

    protected override async ValueTask DisposeAsyncCore()
    {
        await Names.DisposeAsync();
        await Gateway.DisposeAsync();
    }

    /// <summary>The worker's own policy, but for what a test opens.</summary>
    internal sealed class TestPolicy(EgressPolicy real) : IEgressPolicy
    {
        private readonly ConcurrentDictionary<IPEndPoint, bool> open = new();

        public Refusal? Judge(IPEndPoint destination) => open.ContainsKey(destination) ? null : real.Judge(destination);

        public IDisposable Open(IPEndPoint destination)
        {
            open[destination] = true;
            return new Opening(() => open.TryRemove(destination, out _));
        }

        private sealed class Opening(Action close) : IDisposable
        {
            public void Dispose() => close();
        }
    }
}
