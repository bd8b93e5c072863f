using System.Diagnostics;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>The runtime "wasm" of one worker.</summary>
internal sealed class WasmHost : IAsyncDisposable
{
    private readonly SandboxOptions options;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private readonly HashSet<WasmRun> running = [];
    private bool stopping;

    private WasmHost(SandboxLauncher launcher, SandboxOptions options, TimeProvider time)
    {
        this.options = options;
        this.time = time;
        Threads = new WasmThreads(options.MaximumSandboxes);
        Engine = new WasmEngine();
        Modules = new WasmModules(
            Engine, new WasmCompiler(launcher, options), new CodeCache(Path.Combine(options.EffectiveDirectory, "wasm"), options.PackageCacheBytes, time));
    }

    /// <summary>The engine.</summary>
    public WasmEngine Engine { get; }

    /// <summary>Where runs run.</summary>
    public WasmThreads Threads { get; }

    /// <summary>Loaded modules.</summary>
    public WasmModules Modules { get; }

    /// <summary>Makes one; null if Wasmtime does not work on this host.</summary>
    public static WasmHost? TryStart(SandboxLauncher launcher, SandboxOptions options, TimeProvider time, ILogger logger)
    {
        if (!Native.Wasmtime.IsAvailable)
        {
            WasmLog.NotAvailable(logger, $"'{Native.Wasmtime.LibraryPath}' cannot be loaded");
            return null;
        }

        try
        {
            return new WasmHost(launcher, options, time);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or WasmException)
        {
            WasmLog.NotAvailable(logger, exception.Message);
            return null;
        }
    }

    /// <summary>Loads a revision. The lease is the sandbox's from here on, or given back.</summary>
    public async Task<SandboxStart> StartAsync(FunctionRevision revision, PackageLease package, TimeSpan start, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.GetTimestamp();
        try
        {
            if (FindProblem(revision, package) is { } problem)
            {
                package.Dispose();
                return new SandboxStart { Error = Failures.Of(ErrorCode.InitError, problem), Start = start, Init = TimeSpan.Zero };
            }

            var module = await Modules.GetAsync(revision, package, cancellationToken);
            if (module.Module is null)
            {
                package.Dispose();
            }

            return new SandboxStart
            {
                Sandbox = module.Module is null ? null : new WasmSandbox(revision, package, module, this, options, time),
                Error = module.Module is null ? module.Compilation!.Error : null,
                Start = start,
                Init = Stopwatch.GetElapsedTime(clock),
                CpuTime = module.Compilation?.CpuTime,
                PeakMemoryBytes = module.Compilation?.PeakMemoryBytes,
            };
        }
        catch
        {
            package.Dispose();
            throw;
        }
    }

    /// <summary>Runs a module on a thread of its own; returns when it has ended.</summary>
    public async Task RunAsync(WasmModule module, WasmRun run)
    {
        lock (gate)
        {
            if (stopping)
            {
                run.Stop(WasmEnd.Cancelled);
            }

            running.Add(run);
        }

        try
        {
            await Threads.RunAsync(() =>
            {
                Engine.Run(module, run);
                run.Dispose();
                return true;
            });
        }
        finally
        {
            lock (gate)
            {
                running.Remove(run);
            }
        }
    }

    /// <summary>Ends all runs and deletes everything.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            stopping = true;
            foreach (var run in running)
            {
                run.Stop(WasmEnd.Cancelled);
            }
        }

        Threads.Dispose();
        await Modules.DisposeAsync();
        Engine.Dispose();
    }

    private static string? FindProblem(FunctionRevision revision, PackageLease package)
    {
        var handler = revision.Manifest.Handler;
        if (!package.Files.Contains(handler))
        {
            return $"The package has no file '{handler}'; 'handler' in the manifest names the WebAssembly module to run.";
        }

        var path = Path.Combine(package.Directory, handler);
        if (new FileInfo(path).Length > WasmModuleFile.MostBytes)
        {
            return WasmModuleFile.TooLarge(handler);
        }

        // The gateway looks too; it may be of another version.
        var bytes = File.ReadAllBytes(path);
        return WasmModuleFile.FindProblem(handler, bytes, revision.Manifest.MemoryBytes);
    }
}
