using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Tests.Sandboxes.Provided;

namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>A function that tries to be there when the next one comes: OpenWhisk's CVE-2018-11756 and 11757.</summary>
public sealed class TakeoverTests(TakeoverTests.Fixture fixture) : IClassFixture<TakeoverTests.Fixture>
{
    // Leaves its mark wherever something could survive it, and says which marks it found.
    private const string Code = """
        import glob, os, subprocess, sys, threading, time
        def handler(event, context):
            me = event["who"]
            seen = set(getattr(sys, "marks", ()))
            for path in glob.glob("/tmp/mark-*") + glob.glob("/dev/shm/mark-*"):
                seen.add(path.split("mark-")[1])
            for path in glob.glob("/proc/[0-9]*/cmdline"):
                try:
                    text = open(path).read()
                except OSError:
                    continue
                if "mark-" in text: seen.add(text.split("mark-")[1].split("\0")[0])
            sys.marks = [*getattr(sys, "marks", ()), me]
            for place in ("/tmp", "/dev/shm", "/var/task", "/var/runtime/python", "/usr/lib/python3/dist-packages"):
                try: open(f"{place}/mark-{me}", "w").close()
                except OSError: pass
            subprocess.Popen(["/bin/sh", "-c", "sleep 1000; :", f"mark-{me}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
            return sorted(seen)
        """;

    [Theory]
    [InlineData(RuntimeIds.Python3)]
    [InlineData(RuntimeIds.Provided)]
    public async Task Sandbox_OfOneAccountOrRevision_LeavesNothingToTheNext(string runtime)
    {
        var revisions = new[] { ("alice", 1), ("bob", 1), ("alice", 2) }
            .Select(owner => (runtime == RuntimeIds.Python3 ? fixture.Python(Code) : fixture.PythonProgram(Code)) with { AccountId = owner.Item1, Revision = owner.Item2 })
            .ToList();
        var sandboxes = new List<ISandbox>();
        for (var round = 0; round < 2; round++)
        {
            foreach (var revision in revisions)
            {
                sandboxes.Add(await fixture.StartAsync(revision));
            }

            // All at once beside each other, and each one twice: what it does find is its own.
            foreach (var sandbox in sandboxes)
            {
                var who = $"{sandbox.Revision.AccountId}-{sandbox.Revision.Revision}-{round}";
                Assert.Equal("[]", await CallAsync(sandbox, who));
                Assert.Equal($"[\"{who}\"]", await CallAsync(sandbox, who));
            }

            // And none is left when the same packages come again.
            foreach (var sandbox in sandboxes)
            {
                await sandbox.DisposeAsync();
            }

            sandboxes.Clear();
        }
    }

    private static async Task<string> CallAsync(ISandbox sandbox, string who) =>
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision, $$"""{"who": "{{who}}"}"""), new TestLog(), CancellationToken.None));

    public sealed class Fixture : SandboxFixture
    {
        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:PoolMinimum"] = "3" };
    }
}
