using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>What is the same for every load and run in a sandbox that is kept in between, whatever is spoken with its code.</summary>
/// <param name="process">The sandbox.</param>
/// <param name="manifest">Its function.</param>
internal sealed class WarmRuns(SandboxProcess process, FunctionManifest manifest) : IDisposable
{
    private CancellationTokenSource deadline = new();

    /// <summary>Whether a run ended so that there must be no other.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>
    /// 1. Meters and log on. 2. The exchange, within the timeout. 3. If anything but a clean answer came, kill everything first.
    /// 4. Drain what was printed. 5. Read the counters; a kill for memory outranks whatever was answered.
    /// </summary>
    /// <param name="state">Passed on.</param>
    /// <param name="exchange">Talks to the code in the sandbox. Its token is cancelled by timeout and cancellation, which is all it needs to do about them.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="log">Receives what is printed meanwhile.</param>
    /// <param name="cancellationToken">Kills the run.</param>
    public async Task<ExecutionOutcome> RunAsync<T>(
        T state, Func<T, CancellationToken, ValueTask<FrameOutcome>> exchange, TimeSpan timeout, IExecutionLog log, CancellationToken cancellationToken)
    {
        process.Output.Begin(log);
        var meter = RunMeter.Start(process);
        if (!deadline.TryReset())
        {
            deadline.Dispose();
            deadline = new CancellationTokenSource();
        }

        deadline.CancelAfter(timeout);
        FrameOutcome end;
        await using (cancellationToken.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), deadline))
        {
            end = await TryAsync(state, exchange, cancellationToken);
        }

        deadline.CancelAfter(Timeout.InfiniteTimeSpan);
        var elapsed = meter.Elapsed;
        if (end.IsFatal)
        {
            IsBroken = true;
            await process.KillAsync();
        }

        process.Output.End();
        if (end.Error?.Code != ErrorCode.Cancelled && (meter.RanOutOfMemory || (end.IsFatal && process.Output.SaidOutOfMemory)))
        {
            end = FrameOutcome.Failed(Failures.OutOfMemory(manifest), fatal: true);
            IsBroken = true;
            await process.KillAsync();
        }

        return new ExecutionOutcome
        {
            Result = end.Result,
            Error = end.Error,
            Run = elapsed,
            CpuTime = meter.CpuTime,
            PeakMemoryBytes = meter.PeakMemoryBytes,
        };
    }

    public void Dispose()
    {
        IsBroken = true;
        deadline.Dispose();
    }

    private async ValueTask<FrameOutcome> TryAsync<T>(T state, Func<T, CancellationToken, ValueTask<FrameOutcome>> exchange, CancellationToken cancellationToken)
    {
        try
        {
            return await exchange(state, deadline.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return FrameOutcome.Failed(Failures.Of(ErrorCode.Cancelled, "The invocation was cancelled while it ran; it was killed."), fatal: true);
        }
        catch (OperationCanceledException)
        {
            return FrameOutcome.Failed(Failures.Timeout(manifest), fatal: true);
        }
    }
}
