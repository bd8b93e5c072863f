using System.Diagnostics;

namespace FaasCluster.Processes;

/// <summary>The hosts with deliberate mistakes, witnesses and crash points compiled in, beside the build under test.</summary>
public static class FaultyHosts
{
    private static readonly string Artifacts = Path.Combine(Repository.Root, "artifacts", "faults");

    /// <summary>Builds them (once for a source tree; later builds are incremental).</summary>
    public static async Task BuildAsync()
    {
        // Standalone is made of all others. Analyzers have looked at the ordinary build.
        var start = new ProcessStartInfo(
            "dotnet",
            ["build", Path.Combine(Repository.Root, "Standalone"), "-c", "Release", "-p:Faults=true", "-p:RunAnalyzers=false", "--artifacts-path", Artifacts, "-nodeReuse:false", "-nologo", "-v", "quiet"])
        {
            RedirectStandardOutput = true,
        };
        using var build = Process.Start(start)!;
        var output = await build.StandardOutput.ReadToEndAsync();
        await build.WaitForExitAsync();
        Assert.True(build.ExitCode == 0, output);
    }

    /// <summary>The assembly of a host.</summary>
    public static string Dll(string project) => Path.Combine(Artifacts, "bin", project, "release", $"FaasCluster.{project}.dll");
}
