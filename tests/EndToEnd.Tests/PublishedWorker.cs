using System.Diagnostics;
using FaasCluster.Testing;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>The worker as its Dockerfile publishes it, once for all tests of a class.</summary>
public sealed class PublishedWorker : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();

    /// <summary>Where it is.</summary>
    public string Directory => Path.Combine(directory.Path, "worker");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        // What ./test has built is not built again, under the workers of other tests that just start from it.
        var isBuilt = Environment.GetEnvironmentVariable("FAAS_TEST_CONFIGURATION") == "Release";
        string[] arguments =
        [
            "publish", Path.Combine(BrokerScript.RepositoryRoot, "Worker"), "-c", "Release", "-o", Directory, "-p:UseAppHost=false", "-nologo", "-v", "quiet", "-nodeReuse:false",
            .. isBuilt ? new[] { "--no-build" } : [],
        ];
        using var process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true })!;
        var output = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromMinutes(20));
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, output);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        directory.Dispose();
        return ValueTask.CompletedTask;
    }
}
