namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>A running FaasCluster of one of the two modes, as a user meets it.</summary>
internal abstract class Platform : IAsyncDisposable
{
    private const int MostOutput = 6_000;

    /// <summary>What every process is told: requests are not what a failing test is explained by.</summary>
    protected static readonly KeyValuePair<string, string> QuietLog = new("Logging:LogLevel:Microsoft.AspNetCore", "Warning");

    /// <summary>Starts a platform of a mode.</summary>
    /// <param name="mode">"embedded" or "cluster".</param>
    /// <param name="settings">Settings of every process, as "Section:Key".</param>
    /// <param name="workers">Worker processes of a cluster.</param>
    public static async Task<Platform> StartAsync(string mode, IReadOnlyDictionary<string, string>? settings = null, int workers = 2) =>
        mode == "embedded"
            ? await EmbeddedPlatform.StartAsync(settings ?? new Dictionary<string, string>())
            : await ClusterPlatform.StartAsync(settings ?? new Dictionary<string, string>(), workers);

    public abstract FaasClient Client { get; }

    /// <summary>What the processes said, for a failing test.</summary>
    public abstract string Output { get; }

    public abstract ValueTask DisposeAsync();

    /// <summary>The end of what a process said: with the whole of it, what a test says would not be found.</summary>
    protected static string Tail(string output) => output.Length <= MostOutput ? output : $"[...]{output[^MostOutput..]}";

    /// <summary>Leaves what the processes said with the test that is just ending; it is shown if that failed.</summary>
    protected void Tell() => TestContext.Current.TestOutputHelper?.WriteLine(Output);
}
