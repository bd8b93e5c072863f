using System.Diagnostics;
using System.Text.RegularExpressions;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>
/// Runs this folder's tests again in a process of an ordinary user: without any cgroup, and with a version 1 subtree that was
/// given to that user.
/// </summary>
public sealed partial class OrdinaryUserTests(ITestOutputHelper output)
{
    private const string Variable = "FAAS_TEST_AS_USER";
    private const int User = 64_999;

    private static readonly string[] Controllers = ["memory", "pids", "cpu", "cpuacct", "freezer"];

    [Fact]
    public Task Sandboxes_WithoutCgroups_HoldForAnOrdinaryUser() => RunAsync("");

    [Fact]
    public async Task Sandboxes_WithADelegatedCgroup_HoldForAnOrdinaryUser()
    {
        Assert.SkipUnless(Directory.Exists("/sys/fs/cgroup/memory"), "There is no version 1 memory controller on this host.");
        SkipUnlessRoot();
        var name = $"faas-test-{Environment.ProcessId}";
        var directories = Controllers.Select(controller => $"/sys/fs/cgroup/{controller}/{name}").ToList();
        try
        {
            foreach (var directory in directories)
            {
                Directory.CreateDirectory(directory);
                using var chown = Process.Start("/usr/bin/chown", ["-R", $"{User}:{User}", directory]);
                await chown.WaitForExitAsync();
                Assert.Equal(0, chown.ExitCode);
            }

            await RunAsync("/" + name);
        }
        finally
        {
            await Wait.UntilAsync(() => Worker.Sandboxes.Cgroups.CgroupDirectory.TryRemove(directories), () => $"{string.Join(' ', directories)} still in use");
        }
    }

    private async Task RunAsync(string cgroup)
    {
        SkipUnlessRoot();
        var home = SandboxFixture.MakeRoot();
        try
        {
            // The checkout may lie where that user cannot go.
            var binaries = Path.Combine(home, "bin");
            using (var copy = Process.Start("/bin/cp", ["-r", AppContext.BaseDirectory, binaries]))
            {
                await copy.WaitForExitAsync();
            }

            using (var chown = Process.Start("/usr/bin/chown", ["-R", $"{User}:{User}", home]))
            {
                await chown.WaitForExitAsync();
            }

            var start = new ProcessStartInfo("/usr/bin/setpriv") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
            foreach (var argument in new[]
            {
                "--reuid", $"{User}", "--regid", $"{User}", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                Path.Combine(binaries, Path.GetFileName(Environment.ProcessPath!)), "-namespace", typeof(OrdinaryUserTests).Namespace!, "-noLogo", "-noColor", "-maxThreads", "2",
            })
            {
                start.ArgumentList.Add(argument);
            }

            start.Environment[Variable] = "1";
            start.Environment["HOME"] = home;
            start.Environment["TMPDIR"] = home;
            start.Environment["FAAS_TEST_CGROUP"] = cgroup.Length == 0 ? "/nobody-may-write-here" : cgroup;
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            var text = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            output.WriteLine(await errors);
            var summary = Summary().Match(text);
            Assert.True(summary.Success && process.ExitCode == 0, $"exit status {process.ExitCode}; {text[Math.Max(0, text.Length - 8000)..]}");
            Assert.True(int.Parse(summary.Groups[1].Value) > 80, summary.Value);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static void SkipUnlessRoot()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable(Variable) is null, "This is the ordinary user's run.");
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can become another user; the tests run as an ordinary one already.");
    }

    [GeneratedRegex(@"Total: (\d+), Errors: 0, Failed: 0")]
    private static partial Regex Summary();
}
