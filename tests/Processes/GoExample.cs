using System.Diagnostics;

namespace FaasCluster.Processes;

/// <summary>The example in Go, built from its sources with the standard library alone.</summary>
public static class GoExample
{
    /// <summary>Builds the bootstrap into a directory, beside what else is deployed, and returns its path. What the compiler keeps lies below the directory's "go".</summary>
    public static async Task<string> BuildAsync(string directory)
    {
        var example = Repository.Example("primes-go");
        var target = Path.Combine(directory, "bootstrap");
        var start = new ProcessStartInfo("go", ["build", "-o", target, "."]) { RedirectStandardError = true, WorkingDirectory = example };
        start.Environment["CGO_ENABLED"] = "0";
        start.Environment["GOFLAGS"] = "-mod=mod";
        start.Environment["GOPROXY"] = "off";
        start.Environment["GOCACHE"] = Path.Combine(directory, "go", "cache");
        start.Environment["GOPATH"] = Path.Combine(directory, "go", "path");
        using var process = Process.Start(start)!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"go build in '{example}' failed: {errors}");
        }

        Directories.Delete(Path.Combine(directory, "go"));
        File.Copy(Path.Combine(example, "function.yaml"), Path.Combine(directory, "function.yaml"), overwrite: true);
        return target;
    }
}
