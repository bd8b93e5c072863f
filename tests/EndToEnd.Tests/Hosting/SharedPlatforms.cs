namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>
/// A platform of each mode, started when a test first asks for it, for tests that need nothing but a platform: each deploys
/// functions under names that no other test has. What stops, kills or counts everything starts its own.
/// </summary>
public sealed class SharedPlatforms : IAsyncLifetime
{
    private readonly Dictionary<string, Platform> started = [];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var platform in started.Values)
        {
            await platform.DisposeAsync();
        }
    }

    // The tests of a collection run one after the other.
    internal async Task<Platform> GetAsync(string mode) =>
        started.TryGetValue(mode, out var platform) ? platform : started[mode] = await Platform.StartAsync(mode);

    /// <summary>Leaves what the platforms said with the test that is just ending; it is shown if that failed.</summary>
    internal void Tell()
    {
        foreach (var platform in started.Values)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(platform.Output);
        }
    }

    /// <summary>Its collection.</summary>
    [CollectionDefinition(Name)]
    public sealed class Definition : ICollectionFixture<SharedPlatforms>
    {
        public const string Name = "shared platforms";
    }
}
