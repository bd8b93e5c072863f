using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Runs tests of this folder again in a process of its own: as another user, with another isolation, in namespaces of its own.</summary>
internal sealed partial class NestedRun
{
    /// <summary>The ordinary user.</summary>
    public const int User = 64_999;

    private const string Variable = "FAAS_TEST_NESTED";

    /// <summary>Whether this is such a process.</summary>
    public static bool IsIt => Environment.GetEnvironmentVariable(Variable) is not null;

    /// <summary>Whether the tests run as <see cref="User"/>.</summary>
    public bool AsUser { get; init; }

    /// <summary>Bubblewrap or Crun.</summary>
    public string Isolation { get; init; } = "Bubblewrap";

    /// <summary>The cgroup to use; null for the process's own.</summary>
    public string? Cgroup { get; init; }

    /// <summary>What is put before the command: programs that make namespaces.</summary>
    public IReadOnlyList<string> Within { get; init; } = [];

    /// <summary>The same, but run by the user.</summary>
    public IReadOnlyList<string> Inside { get; init; } = [];

    /// <summary>Which tests, as xunit's command line says it.</summary>
    public required IReadOnlyList<string> Tests { get; init; }

    /// <summary>How many there are at least: a filter that matches nothing passes.</summary>
    public required int AtLeast { get; init; }

    /// <summary>All tests of some classes and single ones of others, as xunit's command line says it: by their names alone, for filters of two kinds narrow each other.</summary>
    public static string[] Select(IEnumerable<Type> classes, params (Type Class, string Method)[] others) =>
        [.. classes.Select(type => $"{type.FullName}.*").Concat(others.Select(test => $"{test.Class.FullName}.{test.Method}")).SelectMany(name => new[] { "-method", name })];

    /// <summary>Runs them; fails with their output if one fails.</summary>
    public async Task RunAsync(ITestOutputHelper output)
    {
        Assert.SkipWhen(IsIt, "This is a nested run.");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can become another user and make every namespace.");
        var home = SandboxFixture.MakeRoot();
        try
        {
            // The checkout may lie where that user cannot go.
            var binaries = Path.Combine(home, "bin");
            await RunAsync("/bin/cp", "-r", AppContext.BaseDirectory, binaries);
            if (AsUser)
            {
                await RunAsync("/usr/bin/chown", "-R", $"{User}:{User}", home);
            }

            string[] become = AsUser ? ["/usr/bin/setpriv", "--reuid", $"{User}", "--regid", $"{User}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"] : [];
            List<string> command = [.. Within, .. become, .. Inside, Path.Combine(binaries, Path.GetFileName(Environment.ProcessPath!)), .. Tests, "-noLogo", "-noColor", "-maxThreads", "2"];
            var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
            start.Environment[Variable] = "1";
            start.Environment["HOME"] = home;
            start.Environment["TMPDIR"] = home;
            start.Environment["FAAS_TEST_ISOLATION"] = Isolation;
            if (Cgroup is not null)
            {
                start.Environment["FAAS_TEST_CGROUP"] = Cgroup;
            }

            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var text = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            output.WriteLine(await errors);
            var summary = Summary().Match(text);
            Assert.True(summary.Success && process.ExitCode == 0, $"exit status {process.ExitCode}; {text[Math.Max(0, text.Length - 8000)..]} {await errors}");
            Assert.True(int.Parse(summary.Groups[1].Value) >= AtLeast, summary.Value);
        }
        finally
        {
            await HelperTests.DeleteAsync(home);
        }
    }

    /// <summary>Runs a program that must succeed.</summary>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit status {process.ExitCode}");
    }

    [GeneratedRegex(@"Total: (\d+), Errors: 0, Failed: 0")]
    private static partial Regex Summary();
}
