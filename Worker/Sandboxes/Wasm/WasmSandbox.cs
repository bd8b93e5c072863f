using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// The wasm runtime: a fresh instance per invocation, nothing in between but the compiled module. The event is standard input, standard
/// output is the answer, standard error the log, the exit status the verdict.
/// </summary>
internal sealed class WasmSandbox(FunctionRevision revision, PackageLease package, ModuleStart module, WasmHost host, SandboxOptions options, TimeProvider time) : ISandbox
{
    private readonly Lock gate = new();
    private readonly PackageTree tree = new(package);
    private readonly byte[][] arguments = [Encoding.UTF8.GetBytes(revision.Manifest.Handler)];
    private Task current = Task.CompletedTask;
    private WasmRun? running;
    private bool disposed;

    /// <inheritdoc/>
    public FunctionRevision Revision => revision;

    /// <inheritdoc/>
    public bool IsUsable => !disposed;

    private FunctionManifest Manifest => revision.Manifest;

    /// <inheritdoc/>
    public async Task<ExecutionOutcome> InvokeAsync(InvocationMessage message, IExecutionLog log, IResponseStream response, CancellationToken cancellationToken)
    {
        var environment = ProgramEnvironment.Of(revision, message, time.GetUtcNow() + Manifest.Timeout);
        var run = new WasmRun
        {
            MemoryBytes = Manifest.MemoryBytes,
            Timeout = Manifest.Timeout,
            Cores = options.CoresFor(Manifest.MemoryBytes),
            Arguments = arguments,
            Environment = [.. environment.Select(pair => Encoding.UTF8.GetBytes($"{pair.Key}={pair.Value}"))],
            Input = message.Body,
            Package = tree,
            Time = time,
            Log = log,
        };
        Task task;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            running = run;
            task = current = host.RunAsync(module.Module!, run);
        }

        using (cancellationToken.UnsafeRegister(static state => ((WasmRun)state!).Stop(WasmEnd.Cancelled), run))
        {
            await task;
        }

        var elapsed = run.Elapsed;
        var error = Explain(run);
        return new ExecutionOutcome
        {
            Result = error is null ? ProgramAnswer.Of(run.Output.Bytes) : null,
            Error = error,
            Run = elapsed,
            CpuTime = run.CpuTime,
            PeakMemoryBytes = run.PeakMemoryBytes,
        };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            if (disposed)
            {
                return;
            }

            disposed = true;
            running?.Stop(WasmEnd.Cancelled);
        }

        await current.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        module.Release();
        package.Dispose();
    }

    private InvocationError? Explain(WasmRun run)
    {
        var lastLine = run.Descriptors.LastErrorLine is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
        var said = lastLine is null ? "" : " It said: " + lastLine;
        return run.End switch
        {
            WasmEnd.Exited when run.ExitStatus == 0 => null,
            WasmEnd.TimedOut => Failures.Timeout(Manifest),
            WasmEnd.Cancelled => Failures.Of(ErrorCode.Cancelled, "The invocation was cancelled while it ran; it was killed."),
            WasmEnd.AnswerTooLarge => Failures.ResponseTooLarge(),
            WasmEnd.Failed => Failures.Of(ErrorCode.SandboxFailed, $"The worker failed while it ran the module: {run.Failure?.Message}"),

            // WebAssembly does not say it: a module that is refused more memory aborts, in one way or another.
            _ when NeededMore(run) => Failures.OutOfMemory(Manifest),
            WasmEnd.Trapped => Failures.Of(ErrorCode.ProcessExited, $"The module trapped: {run.Trap?.Message}.{said}") with { StackTrace = [.. run.Trap?.StackTrace ?? []] },
            _ => Failures.Of(ErrorCode.ProcessExited, $"The module exited with status {run.ExitStatus}.{said}") with
            {
                Advice = ExitAdvice.Read(new ProcessExit((int)Math.Min(run.ExitStatus, int.MaxValue)), lastLine),
            },
        };
    }

    // Aborted by itself with its memory close to the limit: what it wanted next did not fit.
    private bool NeededMore(WasmRun run) => run.PeakMemoryBytes > Manifest.MemoryBytes - Math.Max(1L << 20, Manifest.MemoryBytes / 16);
}
