namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>A core that two functions want is shared as their memory is.</summary>
public sealed class CpuShareTests(CpuShareTests.Fixture fixture) : IClassFixture<CpuShareTests.Fixture>
{
    // Both count what they get done until the same moment, on the same core.
    private const string Busy = """
        import os, time
        def handler(event, context):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            rounds = 0
            while time.time() < event["until"] - event["seconds"]: time.sleep(0.001)
            while time.time() < event["until"]: rounds += 1
            return rounds
        """;

    [Fact]
    public async Task Core_ThatFunctionsOf256And1024MegabytesWant_IsShared1To4()
    {
        Assert.SkipUnless(fixture.EnforcesMemory, "Without a cgroup CPU is not shared out.");
        var small = fixture.Python(Busy, manifest => manifest with { MemoryBytes = 256L << 20 });
        var large = fixture.Python(Busy, manifest => manifest with { MemoryBytes = 1024L << 20 });
        await using var first = await fixture.StartAsync(small);
        await using var second = await fixture.StartAsync(large);
        const double seconds = 4;
        var until = (DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() / 1000.0) + 0.5 + seconds;
        var body = FormattableString.Invariant($$"""{"until": {{until}}, "seconds": {{seconds}}}""");

        var rounds = await Task.WhenAll(
            first.InvokeAsync(SandboxFixture.Message(small, body), new TestLog(), CancellationToken.None),
            second.InvokeAsync(SandboxFixture.Message(large, body), new TestLog(), CancellationToken.None));

        Assert.InRange(double.Parse(SandboxFixture.Text(rounds[1])) / double.Parse(SandboxFixture.Text(rounds[0])), 3, 5.5);
    }

    public sealed class Fixture : SandboxFixture
    {
        // By weight alone: the limits of 0.14 and 0.58 cores would never contend for one.
        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:LimitCpu"] = "false" };
    }
}
