namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>The embedded mode: one process and a data directory.</summary>
internal sealed class EmbeddedPlatform : Platform
{
    private readonly IReadOnlyDictionary<string, string> settings;
    private readonly string data;
    private readonly int port = FreePorts.Next();
    private HostProcess? host;
    private FaasClient? client;

    private EmbeddedPlatform(IReadOnlyDictionary<string, string> settings)
    {
        data = Directory.CreateTempSubdirectory("faas-embedded-").FullName;
        this.settings = new Dictionary<string, string>(settings) { ["Data:Directory"] = data, [QuietLog.Key] = QuietLog.Value };
    }

    public override FaasClient Client => client!;

    public override string Output => Tail(host?.Output ?? "");

    public HostProcess Host => host!;

    public static async Task<EmbeddedPlatform> StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        var platform = new EmbeddedPlatform(settings);
        await platform.StartHostAsync();
        return platform;
    }

    /// <summary>Starts the process, again after it was killed: same port, same data.</summary>
    public async Task StartHostAsync()
    {
        host = await HostProcess.StartAsync("Standalone", settings, port);
        client ??= new FaasClient(host.Url, (await File.ReadAllTextAsync(Path.Combine(data, "bootstrap-key"))).Trim());
    }

    public override async ValueTask DisposeAsync()
    {
        client?.Dispose();
        Tell();
        if (host is not null)
        {
            await host.DisposeAsync();
        }

        Directories.Delete(data);
    }
}
