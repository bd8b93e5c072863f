using System.Diagnostics;

namespace FaasCluster.Processes;

/// <summary>The example in C, built by the command in its README, and other programs in C.</summary>
public static class CsvExample
{
    /// <summary>Builds the module into a directory, beside what else is deployed, and returns its path.</summary>
    public static async Task<string> BuildAsync(string directory)
    {
        var example = Repository.Example("csv2json");
        var command = File.ReadLines(Path.Combine(example, "README.md")).Single(line => line.StartsWith("clang ", StringComparison.Ordinal));
        var target = Path.Combine(directory, "csv2json.wasm");
        await RunAsync(command.Replace("-o examples/csv2json/csv2json.wasm", $"-o {target}", StringComparison.Ordinal));
        File.Copy(Path.Combine(example, "function.yaml"), Path.Combine(directory, "function.yaml"), overwrite: true);
        return target;
    }

    /// <summary>Builds another program in the same way.</summary>
    public static Task CompileAsync(string source, string target) => RunAsync($"clang --target=wasm32-wasi -O2 -o {target} {source}");

    private static async Task RunAsync(string command)
    {
        var arguments = command.Split(' ');
        using var process = Process.Start(new ProcessStartInfo(arguments[0], arguments[1..]) { RedirectStandardError = true, WorkingDirectory = Repository.Root })!;
        var errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{command}' failed: {errors}");
        }
    }
}
