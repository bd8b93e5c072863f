using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

/// <summary>Modules that want to hurt the worker they run in.</summary>
public sealed class HostileModuleTests(WasmFixture fixture) : IClassFixture<WasmFixture>
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    [Theory]
    [InlineData("(loop $again (br $again))")]
    [InlineData("(loop $again (call $print (i32.const 2) (i32.const 0) (i32.const 65536)) (br $again))")]
    [InlineData("(loop $again (drop (call $random_get (i32.const 0) (i32.const 65536))) (br $again))")]

    // Sleeps for an hour, by one clock subscription at 64.
    [InlineData("(i64.store (i32.const 88) (i64.const 3600000000000)) (i32.store (i32.const 80) (i32.const 1)) (drop (call $poll_oneoff (i32.const 64) (i32.const 1024) (i32.const 1) (i32.const 8)))")]
    [InlineData("(i64.store (i32.const 88) (i64.const -1)) (loop $again (drop (call $poll_oneoff (i32.const 64) (i32.const 1024) (i32.const 1) (i32.const 8))) (br $again))")]
    public async Task Run_WithoutEnd_EndsAtItsTimeoutAndFreesItsThread(string body)
    {
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command(body), manifest => manifest with { Timeout = Short }));

        Assert.Contains("0.3 s", SandboxFixture.Error(outcome, ErrorCode.Timeout).Message);
        Assert.InRange(outcome.Run, Short, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task StartFunction_WithoutEnd_EndsAtTheTimeout()
    {
        var module = Wat.Command("", "(func $start (loop $again (br $again))) (start $start)");
        var outcome = await fixture.RunAsync(fixture.Wasm(module, manifest => manifest with { Timeout = Short }));
        SandboxFixture.Error(outcome, ErrorCode.Timeout);
    }

    [Theory]
    [InlineData("(loop $again (br $again))")]
    [InlineData("(i64.store (i32.const 88) (i64.const 3600000000000)) (drop (call $poll_oneoff (i32.const 64) (i32.const 1024) (i32.const 1) (i32.const 8)))")]
    public async Task Run_ThatIsCancelled_EndsSoon(string body)
    {
        var revision = fixture.Wasm(Wat.Command("(call $print (i32.const 2) (i32.const 64) (i32.const 6)) (memory.fill (i32.const 64) (i32.const 0) (i32.const 8))" + body, "(data (i32.const 64) \"begun\\n\")"));
        await using var sandbox = await fixture.StartAsync(revision);
        using var cancel = new CancellationTokenSource();
        var log = new TestLog();
        var run = sandbox.InvokeAsync(SandboxFixture.Message(revision), log, cancel.Token);
        await Wait.UntilAsync(() => log.Text == "stderr: begun", () => log.Text);

        await cancel.CancelAsync();

        SandboxFixture.Error(await run.WaitAsync(TimeSpan.FromMinutes(1)), ErrorCode.Cancelled);
        Assert.True(sandbox.IsUsable);
    }

    [Fact]
    public async Task Sandbox_DisposedWhileItRuns_EndsTheRun()
    {
        var revision = fixture.Wasm(Wat.Command("(loop $again (br $again))"));
        var sandbox = await fixture.StartAsync(revision);
        var run = sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);

        await sandbox.DisposeAsync();

        SandboxFixture.Error(await run, ErrorCode.Cancelled);
        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task Memory_GrowsToTheLimitOnly_AndWhoFailsThenIsOutOfMemory()
    {
        // Grows by 1 MB until it is refused, then aborts as allocators do.
        var body = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command(body), manifest => manifest with { MemoryBytes = 64L << 20 }));

        Assert.Contains("64 MB", SandboxFixture.Error(outcome, ErrorCode.OutOfMemory).Message);
        Assert.InRange(outcome.PeakMemoryBytes!.Value, 60L << 20, 64L << 20);
    }

    [Fact]
    public async Task Memory_ThatIsUsedUpWithoutFailing_IsNoError()
    {
        var body = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))";
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command(body), manifest => manifest with { MemoryBytes = 64L << 20 }));
        Assert.Equal("", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Table_ThatIsHuge_IsRefused()
    {
        var start = await fixture.FailOrRunAsync(fixture.Wasm(Wat.Command("", "(table 100000000 funcref)")));
        Assert.Equal(ErrorCode.ProcessExited, start.Code);
        Assert.Contains("table", start.Message);
    }

    [Fact]
    public async Task Table_GrowsToALimitOnly()
    {
        var body = "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1)))) (if (i32.gt_u (table.size $t) (i32.const 500000)) (then unreachable))";
        Assert.Equal("", SandboxFixture.Text(await fixture.RunAsync(fixture.Wasm(Wat.Command(body, "(table $t 1 funcref)")))));
    }

    [Theory]
    [InlineData("(call $deep)", "(func $deep (call $deep) (drop (i32.const 1)))")]
    [InlineData("(call $deep (f64.const 0) (f64.const 0) (f64.const 0))", "(func $deep (param f64 f64 f64) (call $deep (local.get 1) (local.get 2) (local.get 0)) (call $print (i32.const 2) (i32.const 0) (i32.const 1)))")]
    public async Task Recursion_WithoutEnd_IsATrap(string body, string functions)
    {
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command(body, functions)));
        Assert.Contains("recursion", SandboxFixture.Error(outcome, ErrorCode.ProcessExited).Message);
    }

    [Fact]
    public async Task HostFunction_CalledAtTheEndOfTheStack_HasRoom()
    {
        // At every depth calls what needs the most stack of the host; the recursion ends in a trap, not in the worker's end.
        var functions = "(func $deep (call $print (i32.const 2) (i32.const 64) (i32.const 2)) (drop (call $random_get (i32.const 1024) (i32.const 8))) (call $deep))";
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command("(call $deep)", functions)));
        Assert.Contains("recursion", SandboxFixture.Error(outcome, ErrorCode.ProcessExited).Message);
    }

    [Fact]
    public async Task Answer_WithoutEnd_IsTooLargeAndEndsAtOnce()
    {
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command("(loop $again (call $print (i32.const 1) (i32.const 0) (i32.const 65536)) (br $again))")));
        SandboxFixture.Error(outcome, ErrorCode.ResponseTooLarge);
        Assert.InRange(outcome.Run, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Log_WithoutEnd_IsCutAndSaidSo()
    {
        var log = new TestLog();
        var body = "(local $i i32) (loop $again (call $print (i32.const 2) (i32.const 1024) (i32.const 60000)) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $again (i32.lt_u (local.get $i) (i32.const 1000))))";
        Assert.Equal("", SandboxFixture.Text(await fixture.RunAsync(fixture.Wasm(Wat.Command(body)), log: log)));
        Assert.True(log.Lines.Sum(line => line.Length) <= 1 << 20);
        Assert.Contains("the rest is left out", log.Lines[^1].Line);
    }

    [Theory]

    // Addresses and lengths that are not the module's: errors for it, and nothing for the worker.
    [InlineData("(call $fd_write (i32.const 1) (i32.const -8) (i32.const 1) (i32.const 8))", 21)]
    [InlineData("(call $fd_write (i32.const 1) (i32.const 0) (i32.const -1) (i32.const 8))", 28)]
    [InlineData("(call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const -2))", 21)]
    [InlineData("(call $fd_write (i32.const 77) (i32.const 0) (i32.const 1) (i32.const 8))", 8)]
    [InlineData("(call $fd_write (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))", 76)]
    [InlineData("(call $fd_read (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))", 76)]
    [InlineData("(call $random_get (i32.const 65535) (i32.const 2))", 21)]
    [InlineData("(call $random_get (i32.const 0) (i32.const -1))", 21)]
    [InlineData("(call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))", 28)]
    [InlineData("(call $poll_oneoff (i32.const 65530) (i32.const 0) (i32.const 1) (i32.const 0))", 21)]
    [InlineData("(call $poll_oneoff (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0))", 28)]
    public async Task HostFunction_WithWrongArguments_SaysSo(string call, int errno)
    {
        var module = Wat.Command($"(if (i32.ne {call} (i32.const {errno})) (then unreachable))");
        Assert.Equal("", SandboxFixture.Text(await fixture.RunAsync(fixture.Wasm(module))));
    }

    [Fact]
    public async Task Compilation_WithoutEnd_EndsAtTheInitTimeoutAndInItsSandbox()
    {
        // One function of 150,000 calls in a row: many seconds of work for the compiler.
        var body = new System.Text.StringBuilder("(local $a i32)");
        for (var i = 0; i < 150_000; i++)
        {
            body.Append("(local.set $a (i32.add (local.get $a) (call_indirect (param i32) (result i32) (local.get $a) (local.get $a))))");
        }

        var module = Wat.Command(body.ToString(), "(table 10 funcref)");
        var error = await fixture.FailToStartAsync(fixture.Wasm(module, manifest => manifest with { InitTimeout = TimeSpan.FromSeconds(1) }));

        Assert.Equal(ErrorCode.InitTimeout, error.Code);
    }

    [Fact]
    public async Task Busy_SmallFunction_GetsItsShareOfTheProcessor()
    {
        // 256 MB are 0.145 cores: of three seconds of looping less than half a second is run. Who looks after it may be late on a busy host.
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command("(loop $again (br $again))"), manifest => manifest with { Timeout = TimeSpan.FromSeconds(3) }));
        SandboxFixture.Error(outcome, ErrorCode.Timeout);
        Assert.InRange(outcome.CpuTime!.Value.TotalSeconds, 0, 1.5);
    }

    [Fact]
    public async Task Sleepers_DoNotKeepOthersFromRunning()
    {
        var sleeping = fixture.Wasm(Wat.Command("(i64.store (i32.const 88) (i64.const 3600000000000)) (drop (call $poll_oneoff (i32.const 64) (i32.const 1024) (i32.const 1) (i32.const 8)))"), manifest => manifest with { Timeout = TimeSpan.FromMinutes(10) });
        var quick = fixture.Wasm(Wat.Command(""));
        using var cancel = new CancellationTokenSource();
        List<ISandbox> sandboxes = [];
        List<Task<ExecutionOutcome>> runs = [];
        for (var i = 0; i < 50; i++)
        {
            sandboxes.Add(await fixture.StartAsync(sleeping));
            runs.Add(sandboxes[^1].InvokeAsync(SandboxFixture.Message(sleeping), new TestLog(), cancel.Token));
        }

        Assert.Equal("", SandboxFixture.Text(await fixture.RunAsync(quick)));
        Assert.All(runs, run => Assert.False(run.IsCompleted));

        await cancel.CancelAsync();
        Assert.All(await Task.WhenAll(runs), outcome => SandboxFixture.Error(outcome, ErrorCode.Cancelled));
        foreach (var sandbox in sandboxes)
        {
            await sandbox.DisposeAsync();
        }
    }
}
