using System.Diagnostics;
using System.Globalization;
using FaasCluster.Processes;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

public sealed class WasmMeasureTests(WasmFixture fixture, ITestOutputHelper output) : IClassFixture<WasmFixture>
{
    [Theory(Explicit = true)]
    [InlineData("small")]
    [InlineData("c")]
    public async Task Times(string kind)
    {
        var source = kind == "c" ? await File.ReadAllBytesAsync(await CsvExample.BuildAsync(fixture.Root)) : Wat.Command("""
            (i32.store (i32.const 0) (i32.const 1024))
            (i32.store (i32.const 4) (i32.const 32768))
            (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (call $print (i32.const 1) (i32.const 1024) (i32.load (i32.const 8)))
            """);
        var body = kind == "c" ? "name,age\nAda,36\n" : "{}";
        List<double> warm = [], cpu = [];
        var first = await StartAsync(fixture, source);
        await using var sandbox = first.Sandbox!;
        for (var i = 0; i < 5000; i++)
        {
            var clock = Stopwatch.GetTimestamp();
            var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision, body), new TestLog(), CancellationToken.None);
            warm.Add(Stopwatch.GetElapsedTime(clock).TotalMicroseconds);
            cpu.Add(outcome.CpuTime.GetValueOrDefault().TotalMicroseconds);
        }

        // A worker that starts on the same directory finds the code on disk.
        List<double> cached = [];
        for (var i = 0; i < 5; i++)
        {
            await using var other = new SecondWorker(fixture.Root);
            await other.InitializeAsync();
            cached.Add((await StartAsync(other, source)).Init.TotalMicroseconds);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{kind}, {source.Length} bytes: compile {first.Init.TotalMilliseconds:0.0} ms; load from disk {Show(cached)} µs; run {Show(warm)} µs, of it CPU of its thread {Show(cpu)} µs"));
    }

    private static async Task<SandboxStart> StartAsync(WasmFixture fixture, byte[] module)
    {
        var start = await fixture.Factory.StartAsync(fixture.Wasm(module), new TestLog(), CancellationToken.None);
        Assert.Null(start.Error);
        return start;
    }

    private static string Show(List<double> values)
    {
        values.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"p50 {values[values.Count / 2]:0} p90 {values[values.Count * 9 / 10]:0} p99 {values[values.Count * 99 / 100]:0}");
    }
}
