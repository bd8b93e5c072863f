using System.Diagnostics;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>A worker with deliberate mistakes compiled in, beside the build under test.</summary>
internal static class FaultyWorker
{
    /// <summary>Builds it (once for a source tree; later builds are incremental) and returns its assembly.</summary>
    public static async Task<string> BuildAsync()
    {
        var artifacts = Path.Combine(Repository.Root, "artifacts", "faults");
        var start = new ProcessStartInfo("dotnet", ["build", Path.Combine(Repository.Root, "Worker"), "-c", "Release", "-p:Faults=true", "--artifacts-path", artifacts, "-nodeReuse:false"])
        {
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(start)!;
        var output = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0, output);
        return Path.Combine(artifacts, "bin", "Worker", "release", "FaasCluster.Worker.dll");
    }
}
