using System.Diagnostics;

namespace FaasCluster.Processes;

/// <summary>The hosts with deliberate mistakes, witnesses and crash points compiled in, beside the build under test.</summary>
public static class FaultyHosts
{
    private static readonly string Artifacts = Path.Combine(Repository.Root, "artifacts", "faults");

    // Named by ./test, in whose run no source changes: even a build with nothing to do takes many seconds on a busy machine.
    private static readonly string? Built = Environment.GetEnvironmentVariable("FAAS_TEST_FAULTS_BUILT");

    /// <summary>Builds them (once for a source tree; later builds are incremental, and there is one for all of a run of ./test).</summary>
    public static async Task BuildAsync()
    {
        if (File.Exists(Built))
        {
            return;
        }

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
        if (Built is not null)
        {
            await File.WriteAllTextAsync(Built, "");
        }
    }

    /// <summary>The assembly of a host.</summary>
    public static string Dll(string project) => Path.Combine(Artifacts, "bin", project, "release", $"FaasCluster.{project}.dll");
}
