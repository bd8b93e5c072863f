using System.Diagnostics;
using System.Text.Json;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>A core that two functions want is shared as their memory is.</summary>
public sealed class CpuShareTests(CpuShareTests.Fixture fixture) : IClassFixture<CpuShareTests.Fixture>
{
    // Both compute until the same moment, on the same core, and note now and then what they have got of it.
    private const string Busy = """
        import os, time
        def handler(event, context):
            os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
            notes = [[time.monotonic(), time.process_time()]]
            while (now := time.monotonic()) < event["until"]:
                if now - notes[-1][0] >= 0.02: notes.append([now, time.process_time()])
            return notes
        """;

    // Until their shares are those that both have while both compute.
    private const double Settling = 0.5;

    [Fact]
    public async Task Core_ThatFunctionsOf256And1024MegabytesWant_IsShared1To4()
    {
        Assert.SkipUnless(fixture.EnforcesMemory, "Without a cgroup CPU is not shared out.");
        var small = fixture.Python(Busy, manifest => manifest with { MemoryBytes = 256L << 20 });
        var large = fixture.Python(Busy, manifest => manifest with { MemoryBytes = 1024L << 20 });
        await using var first = await fixture.StartAsync(small);
        await using var second = await fixture.StartAsync(large);
        var body = FormattableString.Invariant($$"""{"until": {{(Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency) + 7}}}""");

        var outcomes = await Task.WhenAll(
            first.InvokeAsync(SandboxFixture.Message(small, body), new TestLog(), CancellationToken.None),
            second.InvokeAsync(SandboxFixture.Message(large, body), new TestLog(), CancellationToken.None));

        // One of them may have begun late on a busy host: what counts is the time in which both computed.
        var notes = outcomes.Select(Notes).ToArray();
        var from = notes.Max(note => note[0].At) + Settling;
        var until = notes.Min(note => note[^1].At);
        Assert.True(until - from > 1, $"They computed together for {until - from} s.");
        var (smallShare, largeShare) = (Used(notes[0], from, until), Used(notes[1], from, until));
        Assert.True(largeShare / smallShare is > 3 and < 5.5, $"{largeShare} s to {smallShare} s of CPU in {until - from} s");
    }

    private static (double At, double Cpu)[] Notes(ExecutionOutcome outcome) =>
        [.. JsonSerializer.Deserialize<double[][]>(SandboxFixture.Text(outcome))!.Select(note => (note[0], note[1]))];

    private static double Used((double At, double Cpu)[] notes, double from, double until) =>
        notes.Last(note => note.At <= until).Cpu - notes.Last(note => note.At <= from).Cpu;

    public sealed class Fixture : SandboxFixture
    {
        // By weight alone: the limits of 0.14 and 0.58 cores would never contend for one.
        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:LimitCpu"] = "false" };
    }
}
