using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Logs;
using FaasCluster.Storage.Packages;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Telemetry;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Takes one delivery through its life: admitted, run, recorded, and only then acknowledged (asynchronous) or answered
/// (synchronous, which was acknowledged when it started: at most once).
/// </summary>
internal sealed class InvocationExecutor(
    ICompletionWriter completions,
    IInvocationStore invocations,
    IPayloadStore payloads,
    ILogWriter logs,
    RevisionCache revisions,
    CancelledInvocations cancelled,
    OnceGuard once,
    WorkerMetrics metrics,
    IOptions<MessagingOptions> messaging,
    IOptions<WorkerOptions> options,
    IOptions<PriceTable> prices,
    TimeProvider time,
    ILogger<InvocationExecutor> logger)
{
    // A shorter run is answered before a gateway could do anything with the news that it started.
    private static readonly TimeSpan StartedNoticeAfter = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StorePause = TimeSpan.FromMilliseconds(250);

    private static readonly InvocationError SlotLost = new()
    {
        Code = ErrorCode.WorkerLost,
        Message = "The worker could not renew its lease of a slot ('concurrency' in function.yaml), so the run was killed before another worker took its place.",
    };

    private readonly string workerId = messaging.Value.NodeId;

    /// <summary>
    /// Whether a delivery may run. False: it was settled here, because its caller has left, it is too old, or its outcome is
    /// recorded already.
    /// </summary>
    public async ValueTask<bool> AdmitAsync(IDelivery delivery, InvocationMessage message, CancellationToken cancellationToken)
    {
        if (cancelled.Contains(message.InvocationId))
        {
            // Recorded as cancelled before anybody heard of it.
            await RefuseAsync(delivery, message, CancelledInvocations.Error);
            return false;
        }

        if (time.GetUtcNow() >= message.Deadline)
        {
            await EndUnstartedAsync(delivery, message, cancellationToken);
            return false;
        }

        // What is older than this worker may have been cancelled before it could hear of it.
        return message.Kind == InvocationKind.Synchronous
            || (!delivery.Redelivered && message.AcceptedAt >= cancelled.HeardSince)
            || await AdmitRecordedAsync(delivery, message, cancellationToken);
    }

    /// <summary>
    /// Runs a delivery in a sandbox. Returns when the run is over: record, acknowledgement and answer follow behind. Null if it must not
    /// run, because it was started before and must not run twice.
    /// </summary>
    /// <param name="sandbox">A loaded sandbox of the message's revision.</param>
    /// <param name="delivery">The delivery.</param>
    /// <param name="message">Its invocation.</param>
    /// <param name="coldStart">What starting the sandbox took, if it was started for this invocation.</param>
    /// <param name="log">Lines printed so far (while loading), to be continued.</param>
    /// <param name="settled">Receives the task that ends with acknowledgement and answer.</param>
    /// <param name="slotLost">Kills the run when its slot may have been leased to another worker; recorded as a fault of the platform.</param>
    /// <param name="cancellationToken">Kills the run when the worker's drain time is over; nothing is recorded then.</param>
    public async Task<ExecutionOutcome?> RunAsync(
        ISandbox sandbox, IDelivery delivery, InvocationMessage message, SandboxStart? coldStart, ExecutionLog log, Action<Task> settled,
        CancellationToken slotLost, CancellationToken cancellationToken)
    {
        var startedAt = time.GetUtcNow() - ((coldStart?.Start + coldStart?.Init) ?? TimeSpan.Zero);
        if (message.Kind == InvocationKind.Synchronous)
        {
            await delivery.AckAsync();
        }

        using var stop = slotLost.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, slotLost) : null;
        using var run = cancelled.Begin(message.InvocationId, stop?.Token ?? cancellationToken);
        var complete = message.BodyIsStored ? await FetchBodyAsync(message, cancellationToken) : message;
        if (complete is not null && OnceGuard.Applies(sandbox.Revision, message) && !await StartOnceAsync(sandbox.Revision, delivery, message, settled, cancellationToken))
        {
            return null;
        }

        var execution = complete is null
            ? new ExecutionOutcome
            {
                Error = new InvocationError { Code = ErrorCode.Internal, Message = "The event was stored apart from its message and is not there any more." },
                Run = TimeSpan.Zero,
            }
            : await InvokeAsync(sandbox, delivery, complete, log, run.Token);
        if (execution.Error?.Code == ErrorCode.Cancelled && run.IsCancelled)
        {
            execution = execution with { Error = CancelledInvocations.Error };
        }
        else if (execution.Error?.Code == ErrorCode.Cancelled && cancellationToken.IsCancellationRequested)
        {
            // The drain time is over. Asynchronous: left unsettled, another worker gets it. Synchronous: its caller hears that the worker is lost.
            if (message.Kind == InvocationKind.Asynchronous)
            {
                return execution;
            }

            execution = execution with { Error = new InvocationError { Code = ErrorCode.WorkerLost, Message = "The worker was stopped before the function answered." } };
        }
        else if (execution.Error?.Code == ErrorCode.Cancelled && slotLost.IsCancellationRequested)
        {
            execution = execution with { Error = SlotLost };
        }

        if (message.Kind == InvocationKind.Asynchronous && RetryHeaders.FindFailure(execution.Result) is { } failure)
        {
            execution = execution with { Result = null, Error = failure };
        }

        settled(CompleteAsync(sandbox.Revision, delivery, message, execution, coldStart, log, startedAt, complete?.Body));
        return execution;
    }

    /// <summary>Records and settles a delivery for which no sandbox could be got.</summary>
    public Task FailStartAsync(FunctionRevision revision, IDelivery delivery, InvocationMessage message, SandboxStart start, ExecutionLog log) =>
        CompleteAsync(
            revision,
            delivery,
            message,
            new ExecutionOutcome { Error = start.Error, Run = TimeSpan.Zero, CpuTime = start.CpuTime, PeakMemoryBytes = start.PeakMemoryBytes },
            start,
            log,
            time.GetUtcNow() - start.Start - start.Init,
            acknowledgeCall: true);

    /// <summary>Answers or records a delivery that no worker here can ever run.</summary>
    public async Task RefuseAsync(IDelivery delivery, InvocationMessage message, InvocationError error)
    {
        await delivery.SendReplyAsync(Answer(message, null, error, new InvocationTimings { Queue = QueueTime(message, time.GetUtcNow()) }, false, 0, recorded: false));
        await delivery.AckAsync();
    }

    /// <summary>Returns when results can be written again: what cannot be recorded is not run.</summary>
    public async ValueTask WhenStoreKeepsUpAsync(CancellationToken cancellationToken)
    {
        while (completions.IsSaturated)
        {
            await Task.Delay(StorePause, time, cancellationToken);
        }
    }

    /// <summary>True if this worker has started it; otherwise it is settled.</summary>
    private async Task<bool> StartOnceAsync(
        FunctionRevision revision, IDelivery delivery, InvocationMessage message, Action<Task> settled, CancellationToken cancellationToken)
    {
        var start = await once.StartAsync(revision, message, cancellationToken);
        if (OnceGuard.IsLost(start, delivery))
        {
            settled(EndUnrunAsync(revision, delivery, message, OnceGuard.Lost));
        }
        else if (start != StartOutcome.Started)
        {
            await delivery.AckAsync();
        }

        return start == StartOutcome.Started;
    }

    private Task EndUnrunAsync(FunctionRevision revision, IDelivery delivery, InvocationMessage message, InvocationError error) => CompleteAsync(
        revision, delivery, message, new ExecutionOutcome { Error = error, Run = TimeSpan.Zero }, null, new ExecutionLog(message, time), time.GetUtcNow());

    private async Task<ExecutionOutcome> InvokeAsync(ISandbox sandbox, IDelivery delivery, InvocationMessage message, ExecutionLog log, CancellationToken cancellationToken)
    {
#if FAULTS
        Faults.Executing(message);
#endif
        var run = sandbox.InvokeAsync(message, log, cancellationToken);
        if (message.Kind == InvocationKind.Synchronous && !run.IsCompleted)
        {
            using var notice = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (await Task.WhenAny(run, Task.Delay(StartedNoticeAfter, time, notice.Token)) != run)
            {
                await delivery.SendStartedAsync();
            }

            await notice.CancelAsync();
        }

        return await run;
    }

    private async Task CompleteAsync(
        FunctionRevision revision,
        IDelivery delivery,
        InvocationMessage message,
        ExecutionOutcome execution,
        SandboxStart? start,
        ExecutionLog log,
        DateTimeOffset startedAt,
        ReadOnlyMemory<byte>? body = null,
        bool acknowledgeCall = false)
    {
        try
        {
            var timings = new InvocationTimings
            {
                Queue = QueueTime(message, startedAt),
                Start = start?.Start ?? TimeSpan.Zero,
                Init = start?.Init ?? TimeSpan.Zero,
                Run = execution.Run,
            };
            var bill = Bill.For(timings, execution.Error?.Code, revision.Manifest.MemoryBytes, prices.Value);
            var record = Record(revision, message, execution, start, startedAt, timings, bill) with
            {
                OnSuccess = revision.Manifest.OnSuccess,
                OnFailure = revision.Manifest.OnFailure,
                Event = body ?? (message.BodyIsStored ? await FindBodyAsync(revision, message) : message.Body),
            };
            metrics.Ended(revision.Manifest, message, execution, timings, start is not null, bill);
            if (log.Lines.Count > 0 && !logs.TryAdd(log.Lines))
            {
                metrics.LogLinesDropped(log.Lines.Count);
            }

#if FAULTS
            await Faults.BeforeCommitAsync(delivery, time);
#endif
            var recorded = await WriteAsync(record, message.Kind);
#if FAULTS
            Faults.AfterCommit();
#endif
            if (message.Kind == InvocationKind.Asynchronous || acknowledgeCall)
            {
                await delivery.AckAsync();
            }

            await delivery.SendReplyAsync(Answer(message, execution.Result, execution.Error, timings, start is not null, bill.BilledMilliseconds, recorded));
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Unsettled: the broker hands it out again, and what is recorded by then decides.
            Log.CompletionFailed(logger, exception, message.InvocationId, message.Attempt);
        }
    }

    private async Task<bool> WriteAsync(AttemptRecord record, InvocationKind kind)
    {
        var write = completions.WriteAsync(record, CancellationToken.None);
        if (kind == InvocationKind.Synchronous && !write.IsCompleted)
        {
            try
            {
                await write.WaitAsync(options.Value.CommitWait, time);
            }
            catch (TimeoutException)
            {
                return false;
            }
        }

        switch (await write)
        {
            case RecordOutcome.Duplicate:
                metrics.Duplicate();
                break;
            case RecordOutcome.Refused:
                Log.RecordRefused(logger, record.Message.InvocationId, record.Message.Attempt);
                return false;
        }

        return true;
    }

    private AttemptRecord Record(
        FunctionRevision revision, InvocationMessage message, ExecutionOutcome execution, SandboxStart? start, DateTimeOffset startedAt, InvocationTimings timings, Bill bill)
    {
        var endedAt = startedAt + timings.Start + timings.Init + timings.Run;
        var decision = execution.Error is { } error
            ? RetryDecision.After(message, error, revision.Manifest.Retries, endedAt, Random.Shared.NextDouble())
            : new RetryDecision { State = InvocationState.Succeeded };
        return new AttemptRecord
        {
            Message = message,
            KeepsEventOfSuccess = revision.Manifest.KeepEvents == EventKeeping.All,
            FunctionName = revision.Manifest.Name,
            MemoryBytes = revision.Manifest.MemoryBytes,
            State = decision.State,
            Error = execution.Error,
            Result = execution.Result,
            StartedAt = startedAt,
            EndedAt = endedAt,
            Timings = timings,
            ColdStart = start is not null,
            PeakMemoryBytes = Largest(execution.PeakMemoryBytes, start?.PeakMemoryBytes),
            CpuTime = Sum(execution.CpuTime, start?.CpuTime),
            WorkerId = workerId,
            Bill = bill,
            NextAttempt = decision.Next,
        };
    }

    private InvocationReply Answer(
        InvocationMessage message, InvocationResult? result, InvocationError? error, InvocationTimings timings, bool cold, long billed, bool recorded) => new()
        {
            InvocationId = message.InvocationId,
            Result = result,
            Error = error,
            Timings = timings,
            ColdStart = cold,
            BilledMilliseconds = billed,
            Recorded = recorded,
            WorkerId = workerId,
        };

    private async Task EndUnstartedAsync(IDelivery delivery, InvocationMessage message, CancellationToken cancellationToken)
    {
        if (message.Kind == InvocationKind.Synchronous)
        {
            // The gateway answered its caller when the deadline passed.
            metrics.CallerGone();
            await delivery.AckAsync();
            return;
        }

        if (await revisions.FindAsync(message.FunctionId, message.Revision, cancellationToken) is not { } revision)
        {
            Log.UnknownRevision(logger, message.FunctionId, message.Revision);
            await delivery.AckAsync();
            return;
        }

        var error = await once.WasStartedAsync(revision, delivery, message, cancellationToken) ? OnceGuard.Lost : new InvocationError
        {
            Code = ErrorCode.Expired,
            Message = $"It was not started before {message.Deadline:O}, the end of its maximum age of {revision.Manifest.Retries.MaximumAge}.",
        };
        await EndUnrunAsync(revision, delivery, message, error);
    }

    private async ValueTask<bool> AdmitRecordedAsync(IDelivery delivery, InvocationMessage message, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                if (await invocations.FindOutcomeAsync(message.InvocationId, message.Attempt, cancellationToken) is not null)
                {
                    await delivery.AckAsync();
                    return false;
                }

                if (!delivery.Redelivered)
                {
                    return true;
                }

                var revision = await revisions.FindAsync(message.FunctionId, message.Revision, cancellationToken);
                if (OnceGuard.Applies(revision, message))
                {
                    // Marked right before its run: a mark here would say that it was started.
                    return true;
                }

                await invocations.MarkStartedAsync(message, revision?.Manifest.Name ?? "", workerId, cancellationToken);
                return true;
            }
            catch (StoreUnavailableException exception)
            {
                Log.StoreAway(logger, exception);
                await Task.Delay(StorePause, time, cancellationToken);
            }
        }
    }

    private async Task<InvocationMessage?> FetchBodyAsync(InvocationMessage message, CancellationToken cancellationToken) =>
        await payloads.FindAsync(message.InvocationId, cancellationToken) is { } body ? message with { Body = body } : null;

    // Of one that was never run, and only where a destination asks for it. Without it the record is complete but for the event.
    private async Task<ReadOnlyMemory<byte>?> FindBodyAsync(FunctionRevision revision, InvocationMessage message)
    {
        try
        {
            return revision.Manifest.OnFailure is null ? null : (await FetchBodyAsync(message, CancellationToken.None))?.Body;
        }
        catch (StoreUnavailableException)
        {
            return null;
        }
    }

    private static TimeSpan QueueTime(InvocationMessage message, DateTimeOffset startedAt) =>
        startedAt > message.DueAt ? startedAt - message.DueAt : TimeSpan.Zero;

    private static long? Largest(long? a, long? b) => a is null || b is null ? a ?? b : Math.Max(a.Value, b.Value);

    private static TimeSpan? Sum(TimeSpan? a, TimeSpan? b) => a is null || b is null ? a ?? b : a + b;
}
