using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Worker.Sandboxes.Wasm.Wasi;

namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

public sealed class WasmTests(WasmFixture fixture) : IClassFixture<WasmFixture>
{
    // Reads up to 32 kB of the event and answers with it.
    private const string Echo = """
        (i32.store (i32.const 0) (i32.const 1024))
        (i32.store (i32.const 4) (i32.const 32768))
        (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
        (call $print (i32.const 1) (i32.const 1024) (i32.load (i32.const 8)))
        """;

    [Fact]
    public async Task Module_ReadsTheEventAndAnswersOnStandardOutput()
    {
        var outcome = await fixture.RunAsync(fixture.Wasm(Wat.Command(Echo)), """{"n":1}""");

        Assert.Equal("""{"n":1}""", SandboxFixture.Text(outcome));
        Assert.Equal("application/json", outcome.Result!.ContentType);
        Assert.Equal(65_536, outcome.PeakMemoryBytes);
        Assert.True(outcome.CpuTime > TimeSpan.Zero && outcome.CpuTime <= outcome.Run + TimeSpan.FromMilliseconds(5));
    }

    [Fact]
    public void Runtime_WhereItsLibraryLoads_IsOffered() => Assert.Contains(RuntimeIds.Wasm, fixture.Status.Runtimes);

    [Fact]
    public async Task StandardError_IsTheLog_AndTheStatusIsTheVerdict()
    {
        var log = new TestLog();
        var module = Wat.Command("(call $print (i32.const 2) (i32.const 64) (i32.const 13)) (call $proc_exit (i32.const 3)) unreachable", """(data (i32.const 64) "one\nno such x")""");

        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Wasm(module), log: log), ErrorCode.ProcessExited);

        Assert.Equal("stderr: one\nstderr: no such x", log.Text);
        Assert.Equal("The module exited with status 3. It said: no such x", error.Message);
    }

    [Theory]
    [InlineData("(call $proc_exit (i32.const 65))", true)]
    [InlineData("(call $proc_exit (i32.const 1))", false)]
    public async Task Module_ThatSaysHowToGoOn_IsUnderstood(string body, bool isAdvice) =>
        Assert.Equal(isAdvice, SandboxFixture.Error(await fixture.RunAsync(fixture.Wasm(Wat.Command(body))), ErrorCode.ProcessExited).Advice is not null);

    [Fact]
    public async Task Trap_HasItsReasonAndTheFunctionsInIt()
    {
        var module = Wat.Command("(call $outer)", "(func $inner (drop (i32.load (i32.const -4)))) (func $outer (call $inner))");

        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Wasm(module)), ErrorCode.ProcessExited);

        Assert.Contains("out of bounds memory access", error.Message);
        Assert.Equal(["inner", "outer"], error.StackTrace!.Take(2));
    }

    [Fact]
    public async Task Runs_ShareNothing()
    {
        // Counts in memory and in a global, both fresh each time.
        var module = Wat.Command(
            """
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 64)) (global.get $count)))
            (call $print (i32.const 1) (i32.const 64) (i32.const 1))
            """,
            """(global $count (mut i32) (i32.const 0)) (data (i32.const 64) "0")""");
        var revision = fixture.Wasm(module);
        await using var sandbox = await fixture.StartAsync(revision);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal("1", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
        }
    }

    [Fact]
    public async Task Environment_IsTheFunctionsAndTheInvocations_AndNotTheWorkers()
    {
        var module = Wat.Module(
            """
            (import "wasi_snapshot_preview1" "environ_get" (func $get (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (func (export "_start")
              (drop (call $sizes (i32.const 16) (i32.const 4)))
              (drop (call $get (i32.const 1024) (i32.const 8192)))
              (i32.store (i32.const 0) (i32.const 8192))
              (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
            """);
        var revision = fixture.Wasm(module, manifest => manifest with { Environment = new Dictionary<string, string> { ["OWN"] = "é" } });

        var lines = SandboxFixture.Text(await fixture.RunAsync(revision, "body", http: SandboxFixture.Get("/a", "q=1"))).Split('\0');

        Assert.Contains("OWN=é", lines);
        Assert.Contains("QUERY_STRING=q=1", lines);
        Assert.Contains("CONTENT_LENGTH=4", lines);
        Assert.Contains(lines, line => line.StartsWith("FAAS_INVOCATION_ID=0", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.StartsWith("PATH=", StringComparison.Ordinal) || line.StartsWith("HOME=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Answer_OfManyBytes_ComesWhole()
    {
        var body = new byte[5 << 20];
        Random.Shared.NextBytes(body);
        var module = Wat.Command(
            """
            (loop $next
              (i32.store (i32.const 0) (i32.const 1024))
              (i32.store (i32.const 4) (i32.const 60000))
              (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
              (local.set $n (i32.load (i32.const 8)))
              (call $print (i32.const 1) (i32.const 1024) (local.get $n))
              (br_if $next (local.get $n)))
            """.Insert(0, "(local $n i32)"));
        var revision = fixture.Wasm(module);
        await using var sandbox = await fixture.StartAsync(revision);

        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, body), new TestLog(), CancellationToken.None);

        Assert.True(outcome.Result!.Body.Span.SequenceEqual(body));
    }

    [Fact]
    public async Task Sandboxes_OfOneRevision_ShareOneCompilation_ThatIsPaidOnce()
    {
        var revision = fixture.Wasm(Wat.Command(Echo, "(func $unique (param f64 f64 f64))"));
        var before = fixture.Host.Wasm!.Modules.Compiled;
        var starts = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => fixture.Factory.StartAsync(revision, new TestLog(), CancellationToken.None)));

        Assert.Equal(before + 1, fixture.Host.Wasm.Modules.Compiled);
        Assert.Single(starts, start => start.CpuTime is not null || start.PeakMemoryBytes is not null || !fixture.EnforcesMemory);
        var outcomes = await Task.WhenAll(starts.Select(start => start.Sandbox!.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
        Assert.All(outcomes, outcome => Assert.Equal("{}", SandboxFixture.Text(outcome)));
        foreach (var start in starts)
        {
            await start.Sandbox!.DisposeAsync();
        }
    }

    [Fact]
    public void HostFunctions_AreExactlyThoseThatTheDeployCheckAllows()
    {
        Assert.Equal(WasmModuleFile.WasiFunctions.Order(), WasiFunctions.All.Select(function => function.Name).Order());
        Assert.Equal(WasmModuleFile.WasiModule, WasiFunctions.Module);
    }

    [Fact]
    public async Task Module_ThatImportsAFunctionWithAnotherSignature_IsAnInitError()
    {
        var error = await fixture.FailToStartAsync(fixture.Wasm(Wat.Module(
            """(import "wasi_snapshot_preview1" "fd_write" (func (param i32))) (memory (export "memory") 1) (func (export "_start"))""")));

        Assert.Equal(ErrorCode.InitError, error.Code);
        Assert.Contains("fd_write", error.Message);
    }

    [Theory]
    [InlineData("(memory (export \"memory\") 1) (func (export \"_start\") (drop (i64.add (i32.const 1))))", "main.wasm' cannot be run")]
    [InlineData("(memory (export \"memory\") 1 2 shared) (func (export \"_start\"))", "threads")]
    [InlineData("(memory (export \"memory\") i64 1) (func (export \"_start\"))", "memory64")]
    public async Task Module_ThatDoesNotCompile_IsAnInitErrorThatSaysWhy(string fields, string message)
    {
        var error = await fixture.FailToStartAsync(fixture.Wasm(Wat.Module(fields)));

        Assert.Equal(ErrorCode.InitError, error.Code);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public async Task Module_ThatIsNotThere_IsAnInitError()
    {
        var revision = fixture.Deploy(RuntimeIds.Wasm, "other.wasm", PackageBuilder.FromFile("main.wasm", Wat.Command("")));
        Assert.Contains("no file 'other.wasm'", (await fixture.FailToStartAsync(revision)).Message);
    }

    [Fact]
    public async Task Module_OfSeveralSandboxesAtOnce_RunsInEach()
    {
        var revision = fixture.Wasm(Wat.Command(Echo));
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async number =>
        {
            await using var sandbox = await fixture.StartAsync(revision);
            for (var i = 0; i < 20; i++)
            {
                var body = Encoding.UTF8.GetBytes($"{number}-{i}");
                var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, body), new TestLog(), CancellationToken.None);
                Assert.Equal(body, outcome.Result!.Body.ToArray());
            }
        }));
    }
}
