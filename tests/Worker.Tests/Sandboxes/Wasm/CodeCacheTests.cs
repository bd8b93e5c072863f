using FaasCluster.Worker.Sandboxes.Wasm;

namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

/// <summary>Compiled code on disk: machine code that runs in the worker.</summary>
public sealed class CodeCacheTests : IAsyncLifetime
{
    private readonly string root = SandboxFixture.MakeRoot();

    private string CacheDirectory => Path.Combine(root, "state", "wasm");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync()
    {
        Directory.Delete(root, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task Worker_ThatStartsAgain_FindsTheCodeAndCompilesNothing()
    {
        Assert.Equal(1, await RunInNewWorkerAsync());
        Assert.Equal(0, await RunInNewWorkerAsync());
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("cut")]
    [InlineData("exchanged")]
    [InlineData("from elsewhere")]
    public async Task Code_ThatIsNotAsItWasWritten_IsCompiledAnew(string how)
    {
        Assert.Equal(1, await RunInNewWorkerAsync());
        var file = Assert.Single(Directory.GetFiles(CacheDirectory), path => Path.GetFileName(path).Length == 64);
        var bytes = await File.ReadAllBytesAsync(file);
        switch (how)
        {
            case "changed":
                bytes[^1] ^= 1;
                break;
            case "cut":
                bytes = bytes[..^100];
                break;
            case "exchanged":
                // Whole and signed, but another module's.
                await RunInNewWorkerAsync("other");
                bytes = await File.ReadAllBytesAsync(Directory.GetFiles(CacheDirectory).Single(path => Path.GetFileName(path).Length == 64 && path != file));
                break;
            default:
                File.Delete(Path.Combine(CacheDirectory, "secret"));
                break;
        }

        await File.WriteAllBytesAsync(file, bytes);

        Assert.Equal(1, await RunInNewWorkerAsync());
        Assert.Equal(0, await RunInNewWorkerAsync());
    }

    [Fact]
    public async Task Directory_IsTheWorkersAlone()
    {
        await RunInNewWorkerAsync();

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(CacheDirectory));
        Assert.All(Directory.GetFiles(CacheDirectory), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
    }

    [Fact]
    public void Code_UsedLongestAgo_GoesWhenThereIsTooMuch()
    {
        var time = new SetClock();
        var cache = new CodeCache(CacheDirectory, 3500, time);
        var code = new byte[1000];
        foreach (var name in new[] { "a", "b", "c" })
        {
            cache.Put("package", name, code);
            Assert.NotNull(cache.Find("package", name));
            time.Now += TimeSpan.FromMinutes(1);
        }

        Assert.NotNull(cache.Find("package", "a"));
        time.Now += TimeSpan.FromMinutes(1);
        cache.Put("package", "d", code);

        Assert.Null(cache.Find("package", "b"));
        Assert.NotNull(cache.Find("package", "a"));
        Assert.NotNull(cache.Find("package", "d"));
    }

    [Fact]
    public void Engine_GivenWhatIsNoCode_RefusesIt()
    {
        using var engine = new WasmEngine();
        Assert.Throws<WasmException>(() => engine.Load("no code"u8));
        Assert.Throws<WasmException>(() => engine.Load(Wat.Command("")));
    }

    private async Task<int> RunInNewWorkerAsync(string text = "text")
    {
        await using var worker = new SecondWorker(root);
        await worker.InitializeAsync();
        var module = Wat.Command($"(call $print (i32.const 1) (i32.const 64) (i32.const {text.Length}))", $"(data (i32.const 64) \"{text}\")");
        var outcome = await worker.RunAsync(worker.Wasm(module));
        Assert.Equal(text, SandboxFixture.Text(outcome));
        return worker.Host.Wasm!.Modules.Compiled;
    }

    private sealed class SetClock : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = System.GetUtcNow();

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
