using System.Diagnostics;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>
/// A directory that looks like the checkout to whoever types commands in it, with data and configuration of its own, so that nothing
/// of the developer's is touched.
/// </summary>
internal sealed class Workplace : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    public Workplace()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("faas-workplace-").FullName;
        foreach (var name in new[] { "run", "faas", "examples" })
        {
            File.CreateSymbolicLink(Path.Combine(Directory, name), Path.Combine(Repository.Root, name));
        }
    }

    public string Directory { get; }

    public string PathOf(string name) => Path.Combine(Directory, name);

    /// <summary>Makes a cluster that runs already the one of this place: its key, and the context of the faas command.</summary>
    public async Task UseAsync(string url, string key)
    {
        System.IO.Directory.CreateDirectory(PathOf(".faas"));
        await File.WriteAllTextAsync(PathOf(".faas/bootstrap-key"), key);
        System.IO.Directory.CreateDirectory(PathOf("config/faas"));
        await File.WriteAllTextAsync(PathOf("config/faas/config.json"), $$"""{"url":"{{url}}","key":"{{key}}"}""");
    }

    /// <summary>Copies an example, because its commands write beside its sources.</summary>
    public void TakeExample(string name)
    {
        var examples = new DirectoryInfo(PathOf("examples"));
        if (examples.LinkTarget is not null)
        {
            examples.Delete();
            examples.Create();
        }

        var target = examples.CreateSubdirectory(name).FullName;
        foreach (var file in System.IO.Directory.GetFiles(Repository.Example(name)))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }
    }

    /// <summary>Starts a line of bash in it.</summary>
    public Process Start(string command)
    {
        var start = new ProcessStartInfo("bash", ["-euo", "pipefail", "-c", command])
        {
            WorkingDirectory = Directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["XDG_CONFIG_HOME"] = PathOf("config");

        // Builds leave no process that waits for the next.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment.Remove("FAAS_URL");
        start.Environment.Remove("FAAS_KEY");
        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Runs lines of bash in it to their end.</summary>
    public async Task<(int Status, string Output, string Error)> RunAsync(string command)
    {
        using var process = Start(command);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Limit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"'{command}' did not end within {Limit.TotalMinutes:0} minutes:\n{await output}\n{await error}");
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>
    /// Returns when no process has anything to do with this directory any more; fails if one stays. What was killed is gone a moment later.
    /// </summary>
    public Task WhenLeftAsync()
    {
        List<string> left = [];
        return Until.TrueAsync(() => (left = Processes()).Count == 0, "no process is left", TimeSpan.FromSeconds(30), () => string.Join("; ", left));
    }

    /// <summary>Processes that have this directory in their command line, environment or working directory.</summary>
    private List<string> Processes()
    {
        List<string> found = [];
        foreach (var process in System.IO.Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            try
            {
                var command = File.ReadAllText(Path.Combine(process, "cmdline")).Replace('\0', ' ');
                var state = File.ReadAllText(Path.Combine(process, "stat")).Split(')')[^1].Trim()[0];
                if (state != 'Z' && (command.Contains(Directory, StringComparison.Ordinal)
                    || File.ReadAllText(Path.Combine(process, "environ")).Contains(Directory, StringComparison.Ordinal)
                    || new FileInfo(Path.Combine(process, "cwd")).LinkTarget?.StartsWith(Directory, StringComparison.Ordinal) == true))
                {
                    found.Add($"{Path.GetFileName(process)} {command}");
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is nobody's that we started.
            }
        }

        return found;
    }

    public void Dispose() => Directories.Delete(Directory);
}
