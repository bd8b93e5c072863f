using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>How sandboxes come and go.</summary>
public sealed class LifeTests(LifeTests.Fixture fixture) : IClassFixture<LifeTests.Fixture>
{
    private const string Echo = "def handler(event, context): return event";

    [Fact]
    public async Task Dispose_LeavesNoProcessNoCgroupNoDirectory()
    {
        for (var i = 0; i < 3; i++)
        {
            SandboxFixture.Text(await fixture.RunAsync(fixture.Python(Echo)));
            SandboxFixture.Text(await fixture.RunAsync(fixture.Node("exports.handler = async () => 1")));
            SandboxFixture.Text(await fixture.RunAsync(fixture.Shell("#!/bin/sh\necho 1")));
        }

        await Wait.UntilAsync(() => Leftovers.Of(fixture).Count == 0, () => string.Join('\n', Leftovers.Of(fixture)));
    }

    [Fact]
    public async Task Host_Disposed_LeavesNothingAtAllThoughSandboxesAreInUse()
    {
        var other = new SandboxFixture();
        await other.InitializeAsync();
        var name = other.Host.Name;
        var sandbox = await other.StartAsync(other.Python(Echo));
        var run = sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision), new TestLog(), CancellationToken.None);
        Assert.NotEmpty(Leftovers.Processes(name));
        await run;
        await other.DisposeAsync();
        Assert.Empty(Leftovers.Processes(name));
        Assert.Empty(Directory.Exists("/sys/fs/cgroup") ? Directory.GetDirectories("/sys/fs/cgroup", name, new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }) : []);
        Assert.False(Directory.Exists(other.Root));
    }

    [Fact]
    public async Task Sandbox_AtItsMaximumOfUses_IsNotUsedAgain()
    {
        await using var sandbox = await fixture.StartAsync(fixture.Python(Echo));
        for (var i = 0; i < Fixture.MaximumUses; i++)
        {
            Assert.True(sandbox.IsUsable);
            await sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision), new TestLog(), CancellationToken.None);
        }

        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task Sandbox_WhoseProcessEndsBetweenInvocations_IsNotUsedAgain()
    {
        var revision = fixture.Python("import threading, os\ndef handler(event, context): threading.Timer(0.1, lambda: os._exit(0)).start()");
        await using var sandbox = await fixture.StartAsync(revision);
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None));
        await Wait.UntilAsync(() => !sandbox.IsUsable);
    }

    [Fact]
    public async Task Burst_BeyondThePool_BootsAFewAtATimeAndServesAll()
    {
        var revision = fixture.Python(Echo);
        var starts = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => fixture.Factory.StartAsync(revision, new TestLog(), CancellationToken.None)));
        Assert.All(starts, start => Assert.Null(start.Error));
        foreach (var start in starts)
        {
            SandboxFixture.Text(await start.Sandbox!.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None));
            await start.Sandbox.DisposeAsync();
        }
    }

    [Fact]
    public async Task Start_GivenUp_LeavesNothing()
    {
        var revision = fixture.Python("import time\nprint('loading', flush=True)\ntime.sleep(1000)", manifest => manifest with { InitTimeout = TimeSpan.FromMinutes(5) });
        using var cancel = new CancellationTokenSource();
        var log = new TestLog();
        var start = fixture.Factory.StartAsync(revision, log, cancel.Token);
        await Wait.UntilAsync(() => log.Lines.Count > 0);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => start);
        await Wait.UntilAsync(() => Leftovers.Of(fixture).Count == 0, () => string.Join('\n', Leftovers.Of(fixture)));
    }

    [Fact]
    public async Task Memory_LessThanTheRuntimeNeeds_IsSaidToBeSo()
    {
        Assert.SkipUnless(fixture.EnforcesMemory, "Without a cgroup the runtime's own memory is not limited.");
        var revision = fixture.Node("exports.handler = async () => 1", manifest => manifest with { MemoryBytes = 1L << 20 });
        Assert.Equal(ErrorCode.OutOfMemory, (await fixture.FailToStartAsync(revision)).Code);
    }

    [Fact]
    public void Status_SaysWhatIsEnforced()
    {
        Assert.Null(fixture.Status.Problem);
        Assert.Matches($"^{SandboxFixture.Isolation.ToString().ToLowerInvariant()} [0-9]", fixture.Status.Isolation);
        Assert.Equal(RuntimeIds.All, fixture.Status.Runtimes);
        Assert.Equal(fixture.EnforcesMemory, !fixture.Status.Cgroups.StartsWith("no cgroups", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Fault01_WorkerKilled_TakesItsSandboxesAlong_AndTheNextSweepsTheRest()
    {
        var root = SandboxFixture.MakeRoot();
        try
        {
            var (worker, name) = await HelperTests.StartAsync(root);
            using (worker)
            {
                Assert.True(Leftovers.Processes(name).Count >= 2, "one pooled and one in use at least");
                worker.Kill();

                // What runs in them would run for ten minutes more, and there is no other worker yet that could end it.
                await Wait.UntilAsync(() => Leftovers.Processes(name).Count == 0, () => string.Join('\n', Leftovers.Processes(name)));
                await worker.WaitForExitAsync();
            }

            Assert.NotEmpty(Directory.GetDirectories(Path.Combine(root, "state", "0", "slots")));
            var (next, sameName) = await HelperTests.StartAsync(root);
            using (next)
            {
                Assert.Equal(name, sameName);

                // Of what the first left in use, nothing but the second's own sandboxes remain; some of them may still be on their way.
                await Wait.UntilAsync(
                    () => Leftovers.Processes(name).Count == Slots().Length,
                    () => $"{string.Join(' ', Slots())} for\n{string.Join('\n', Leftovers.Processes(name))}");
                next.Kill();
                await next.WaitForExitAsync();
            }
        }
        finally
        {
            await HelperTests.CleanAsync(root);
        }

        string[] Slots() => Directory.GetDirectories(Path.Combine(root, "state", "0", "slots"), "slot-*");
    }

    [Fact]
    public async Task Workers_OfOneHost_ShareNothing_AndOneSweepsWhatAnotherLeft()
    {
        var root = SandboxFixture.MakeRoot();
        try
        {
            var (first, firstName) = await HelperTests.StartAsync(root);
            var (second, secondName) = await HelperTests.StartAsync(root);
            using (first)
            using (second)
            {
                Assert.NotEqual(firstName, secondName);
                second.Kill();
                await second.WaitForExitAsync();
                await Wait.UntilAsync(() => Leftovers.Processes(secondName).Count == 0, () => string.Join('\n', Leftovers.Processes(secondName)));
                first.Kill();
                await first.WaitForExitAsync();
            }

            // A third takes the first's place and clears the second's too.
            var (third, thirdName) = await HelperTests.StartAsync(root);
            using (third)
            {
                Assert.Equal(firstName, thirdName);
                Assert.False(Directory.Exists(Path.Combine(root, "state", "1")));
                Assert.Empty(Leftovers.CgroupsOf(secondName));
                third.Kill();
                await third.WaitForExitAsync();
            }
        }
        finally
        {
            await HelperTests.CleanAsync(root);
        }
    }

    public sealed class Fixture : SandboxFixture
    {
        public const int MaximumUses = 5;

        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:MaximumUses"] = $"{MaximumUses}", ["Sandbox:PoolMaximum"] = "2" };
    }
}
