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
/// Ends a delivery: outcome and bill are committed, and only then it is acknowledged (asynchronous) or answered (synchronous).
/// </summary>
internal sealed class Completion(
    ICompletionWriter completions,
    IPayloadStore payloads,
    ILogWriter logs,
    WorkerMetrics metrics,
    IOptions<MessagingOptions> messaging,
    IOptions<WorkerOptions> options,
    IOptions<PriceTable> prices,
    TimeProvider time,
    ILogger<Completion> logger)
{
    private readonly string workerId = messaging.Value.NodeId;

    /// <summary>True while more ends wait for their commit than are good.</summary>
    public bool IsSaturated => completions.IsSaturated;

    /// <summary>How long the attempt waited, if its sandbox began to be got at this time.</summary>
    public static TimeSpan QueueTime(InvocationMessage message, DateTimeOffset startedAt) =>
        startedAt > message.DueAt ? startedAt - message.DueAt : TimeSpan.Zero;

    /// <summary>Where the time went, but for the run.</summary>
    public static InvocationTimings TimingsOf(InvocationMessage message, DateTimeOffset startedAt, SandboxStart? start) => new()
    {
        Queue = QueueTime(message, startedAt),
        Start = start?.Start ?? TimeSpan.Zero,
        Init = start?.Init ?? TimeSpan.Zero,
    };

    /// <summary>Answers a delivery that nothing is recorded of: no worker here can ever run it, or its record says so already.</summary>
    public async Task RefuseAsync(IDelivery delivery, InvocationMessage message, InvocationError error)
    {
        await delivery.SendReplyAsync(new InvocationReply
        {
            InvocationId = message.InvocationId,
            Error = error,
            Timings = TimingsOf(message, time.GetUtcNow(), start: null),
            Recorded = false,
            WorkerId = workerId,
        });
        await delivery.AckAsync();
    }

    /// <summary>Ends an attempt that did not run.</summary>
    public Task EndUnrunAsync(FunctionRevision revision, IDelivery delivery, InvocationMessage message, InvocationError error) => EndAsync(new RunEnd
    {
        Revision = revision,
        Delivery = delivery,
        Message = message,
        Execution = new ExecutionOutcome { Error = error, Run = TimeSpan.Zero },
        Log = new ExecutionLog(message, time),
        StartedAt = time.GetUtcNow(),
    });

    /// <summary>Records, acknowledges, answers. What cannot be recorded stays unsettled.</summary>
    public async Task EndAsync(RunEnd end)
    {
        var (message, execution) = (end.Message, end.Execution);
        using var response = end.Response;
        try
        {
            var timings = TimingsOf(message, end.StartedAt, end.Start) with { Run = execution.Run };
            var manifest = end.Revision.Manifest;
            var bill = Bill.For(timings, execution.Error?.Code, manifest.MemoryBytes, prices.Value);
            var record = Record(end, timings, bill) with
            {
                OnSuccess = manifest.OnSuccess,
                OnFailure = manifest.OnFailure,
                Event = end.Body ?? (message.BodyIsStored ? await FindBodyAsync(end.Revision, message) : message.Body),
            };
            metrics.Ended(manifest, message, execution, timings, end.Start is not null, bill);
            if (response is { IsPassedOn: true })
            {
                metrics.Streamed(manifest, message, response.Length);
            }

            if (end.Log.Lines.Count > 0 && !logs.TryAdd(end.Log.Lines))
            {
                metrics.LogLinesDropped(end.Log.Lines.Count);
            }

#if FAULTS
            await Faults.BeforeCommitAsync(end.Delivery, message, time);
#endif
            var recorded = await WriteAsync(record, mayAnswerBefore: message.Kind == InvocationKind.Synchronous && response is not { IsPassedOn: true });
#if FAULTS
            Faults.AfterCommit();
#endif
            if (message.Kind == InvocationKind.Asynchronous || end.AcknowledgesCall)
            {
                await end.Delivery.AckAsync();
            }

            await end.Delivery.SendReplyAsync(new InvocationReply
            {
                InvocationId = message.InvocationId,
                Result = response is null ? execution.Result : response.Rest(execution.Result),
                Error = execution.Error,
                Timings = timings,
                ColdStart = end.Start is not null,
                BilledMilliseconds = bill.BilledMilliseconds,
                Recorded = recorded,
                WorkerId = workerId,
            });
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Unsettled: the broker hands it out again, and what is recorded by then decides.
            Log.CompletionFailed(logger, exception, message.InvocationId, message.Attempt);
        }
    }

    /// <summary>The message with its event; null if that is not there any more.</summary>
    public async Task<InvocationMessage?> FetchBodyAsync(InvocationMessage message, CancellationToken cancellationToken) =>
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

    // The end of a streamed answer says that it is recorded, so it waits as long as that takes.
    private async Task<bool> WriteAsync(AttemptRecord record, bool mayAnswerBefore)
    {
        var write = completions.WriteAsync(record, CancellationToken.None);
        if (mayAnswerBefore && !write.IsCompleted)
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

    private AttemptRecord Record(RunEnd end, InvocationTimings timings, Bill bill)
    {
        var (message, execution, manifest) = (end.Message, end.Execution, end.Revision.Manifest);
        var endedAt = end.StartedAt + timings.Start + timings.Init + timings.Run;
        var decision = execution.Error is { } error
            ? RetryDecision.After(message, error, manifest.Retries, endedAt, Random.Shared.NextDouble())
            : new RetryDecision { State = InvocationState.Succeeded };
        return new AttemptRecord
        {
            Message = message,
            KeepsEventOfSuccess = manifest.KeepEvents == EventKeeping.All,
            FunctionName = manifest.Name,
            MemoryBytes = manifest.MemoryBytes,
            State = decision.State,
            Error = execution.Error,
            Result = end.Response is { } response ? response.Record(execution.Result) : execution.Result,
            StartedAt = end.StartedAt,
            EndedAt = endedAt,
            Timings = timings,
            ColdStart = end.Start is not null,
            PeakMemoryBytes = Largest(execution.PeakMemoryBytes, end.Start?.PeakMemoryBytes),
            CpuTime = Sum(execution.CpuTime, end.Start?.CpuTime),
            WorkerId = workerId,
            Bill = bill,
            NextAttempt = decision.Next,
        };
    }

    private static long? Largest(long? a, long? b) => a is null || b is null ? a ?? b : Math.Max(a.Value, b.Value);

    private static TimeSpan? Sum(TimeSpan? a, TimeSpan? b) => a is null || b is null ? a ?? b : a + b;
}
