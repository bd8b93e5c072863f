using System.Data.Common;
using Microsoft.Data.Sqlite;

namespace FaasCluster.Chaos.Platforms;

/// <summary>One process and a data directory.</summary>
internal sealed class EmbeddedPlatform : Platform
{
    private readonly HostSlot host;

    public EmbeddedPlatform(string work)
        : base(work)
    {
        host = new HostSlot("Standalone", 0, work, new Dictionary<string, string>(SandboxSettings) { ["Data:Directory"] = Data, ["Gateway:BootstrapKey"] = Key });
    }

    public override IReadOnlyList<HostSlot> Gateways => [host];

    public override IReadOnlyList<HostSlot> Workers => [host];

    private string Data => Path.Combine(Work, "data");

    public override Task StartAsync() => host.StartAsync();

    public override async Task<DbConnection> OpenStoreAsync()
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(Data, "store.db")};Mode=ReadOnly;Default Timeout=60;Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    // What waits in the queue's own file has a row that is not ended, which is counted by the checker.
    public override Task<IReadOnlyDictionary<string, long>> QueuesAsync() => Task.FromResult<IReadOnlyDictionary<string, long>>(new Dictionary<string, long>());

    public override async ValueTask DisposeAsync()
    {
        if (host.Process is not null)
        {
            await host.Process.DisposeAsync();
        }
    }
}
