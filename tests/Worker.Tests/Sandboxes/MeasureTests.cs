using System.Diagnostics;
using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Tests.Sandboxes;

public sealed class MeasureTests(SandboxFixture fixture, ITestOutputHelper output) : IClassFixture<SandboxFixture>
{
    [Theory(Explicit = true)]
    [InlineData("python3")]
    [InlineData("nodejs")]
    public async Task Times(string runtime)
    {
        var revision = runtime == "python3" ? fixture.Python("def handler(event, context): return event") : fixture.Node("exports.handler = async (event) => event");
        List<double> cold = [], init = [], direct = [], bare = [], first = [], warm = [];
        for (var round = 0; round < 15; round++)
        {
            while (fixture.Host.Pools.Ready < 1)
            {
                await Task.Delay(20);
            }

            await Task.Delay(200);
            var clock = Stopwatch.GetTimestamp();
            var start = await fixture.Factory.StartAsync(revision, new TestLog(), CancellationToken.None);
            cold.Add(start.Start.TotalMilliseconds);
            init.Add(start.Init.TotalMilliseconds);
            await start.Sandbox!.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);
            first.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            for (var i = 0; i < 300; i++)
            {
                clock = Stopwatch.GetTimestamp();
                await start.Sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);
                warm.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            }

            await start.Sandbox.DisposeAsync();
            clock = Stopwatch.GetTimestamp();
            using (var process = runtime == "python3" ? Process.Start("/usr/bin/python3", ["-c", "pass"]) : Process.Start("/usr/bin/node", ["-e", "0"]))
            {
                await process.WaitForExitAsync();
            }

            bare.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            clock = Stopwatch.GetTimestamp();
            var boot = await fixture.Host.Booter.BootAsync(Worker.Sandboxes.Pool.RuntimeCommand.For(runtime, 256 << 20), null, CancellationToken.None);
            direct.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            await boot.EndAsync();
        }

        output.WriteLine($"{runtime}: pool take {Show(cold)}, init {Show(init)}, to first answer {Show(first)}, direct boot {Show(direct)}, bare {Show(bare)}, warm {Show(warm)} ms");
    }

    [Fact(Explicit = true)]
    public async Task CostOfTheFilter()
    {
        await using var filtered = new SandboxFixture();
        await using var unfiltered = new Unfiltered();
        await filtered.InitializeAsync();
        await unfiltered.InitializeAsync();
        List<double>[] boots = [[], []], calls = [[], []];
        for (var round = 0; round < 30; round++)
        {
            foreach (var (worker, index) in new[] { (filtered, 0), (unfiltered, 1) })
            {
                var clock = Stopwatch.GetTimestamp();
                var boot = await worker.Host.Booter.BootAsync(Worker.Sandboxes.Pool.RuntimeCommand.For("python3", 256 << 20), null, CancellationToken.None);
                boots[index].Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
                await boot.EndAsync();
                var revision = worker.Python("import os\ndef handler(event, context):\n    for _ in range(100): os.stat('/tmp')\n    return event");
                await using var sandbox = await worker.StartAsync(revision);
                for (var i = 0; i < 200; i++)
                {
                    clock = Stopwatch.GetTimestamp();
                    await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);
                    calls[index].Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
                }
            }
        }

        output.WriteLine($"with: boot {Show(boots[0])}, warm call with 100 system calls {Show(calls[0])}; without: boot {Show(boots[1])}, call {Show(calls[1])} ms");
    }

    private static string Show(List<double> values)
    {
        values.Sort();
        return $"p50 {values[values.Count / 2]:0.000} p90 {values[values.Count * 9 / 10]:0.000} p99 {values[values.Count * 99 / 100]:0.000}";
    }

    private sealed class Unfiltered : SandboxFixture
    {
        internal override Defences Defences => new() { SystemCalls = false, Canary = false };
    }
}
