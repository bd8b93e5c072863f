using System.Data.Common;
using System.Security.Cryptography;

namespace FaasCluster.Chaos.Platforms;

/// <summary>The platform that is put under faults, of one of the two modes.</summary>
internal abstract class Platform : IAsyncDisposable
{
    protected Platform(string work) => Work = work;

    /// <summary>Where everything of the run lies.</summary>
    public string Work { get; }

    public string Key { get; protected set; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Hosts that answer callers.</summary>
    public abstract IReadOnlyList<HostSlot> Gateways { get; }

    /// <summary>Hosts that run functions.</summary>
    public abstract IReadOnlyList<HostSlot> Workers { get; }

    /// <summary>The root of the sandboxes' directories; it holds what the names of their cgroups begin with.</summary>
    public string SandboxDirectory => Path.Combine(Work, "sandboxes");

    /// <summary>How the sandboxes' processes and cgroups of this run, and of no other on the machine, begin (Worker/Sandboxes/Launch/InstanceDirectory.cs).</summary>
    public string SandboxName => $"{File.ReadAllText(Path.Combine(SandboxDirectory, "name"))}-";

    protected Dictionary<string, string> SandboxSettings => new()
    {
        ["Sandbox:Directory"] = SandboxDirectory,
        // Not those of another worker of the machine.
        ["Sandbox:UserIdBase"] = $"{1_000_000 + (Random.Shared.Next(1000) * 100_000)}",
        ["Worker:MemoryBytes"] = $"{4L << 30}",
    };

    public abstract Task StartAsync();

    /// <summary>Ends the hosts by SIGTERM and leaves the servers; those that did not end well.</summary>
    public async Task<IReadOnlyList<string>> StopHostsAsync()
    {
        var hosts = Workers.Concat(Gateways).Distinct().ToList();
        var statuses = await Task.WhenAll(hosts.Select(async host => (host.Name, Status: host.Process.HasExited ? -1 : await host.Process.StopAsync())));
        return [.. statuses.Where(host => host.Status != 0).Select(host => $"{host.Name} ended with status {host.Status} at SIGTERM")];
    }

    /// <summary>A connection to the store itself, past the product.</summary>
    public abstract Task<DbConnection> OpenStoreAsync();

    /// <summary>Messages in each queue.</summary>
    public abstract Task<IReadOnlyDictionary<string, long>> QueuesAsync();

    public abstract ValueTask DisposeAsync();
}
