using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Worker.Sandboxes;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Runs one delivery. Recorded, and only then acknowledged (asynchronous) or answered, it is by <see cref="Completion"/>; a synchronous one
/// is acknowledged here, when it starts: at most once.
/// </summary>
internal sealed class InvocationExecutor(
    Completion completion, CancelledInvocations cancelled, OnceGuard once, IOptions<MessagingOptions> messaging, IOptions<WorkerOptions> options, TimeProvider time)
{
    // A shorter run is answered before a gateway could do anything with the news that it started.
    private static readonly TimeSpan StartedNoticeAfter = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan StorePause = TimeSpan.FromMilliseconds(250);

    private static readonly InvocationError SlotLost = new()
    {
        Code = ErrorCode.WorkerLost,
        Message = "The worker could not renew its lease of a slot ('concurrency' in function.yaml), so the run was killed before another worker took its place.",
    };

    private static readonly InvocationError Stopped = new() { Code = ErrorCode.WorkerLost, Message = "The worker was stopped before the function answered." };

    private static readonly InvocationError NotItsOwn = new()
    {
        Code = ErrorCode.Internal,
        Message = "The invocation names a revision of another account than its own; it was not run.",
    };

    private static readonly InvocationError EventGone = new() { Code = ErrorCode.Internal, Message = "The event was stored apart from its message and is not there any more." };

    private readonly string workerId = messaging.Value.NodeId;

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
        var complete = message.BodyIsStored ? await completion.FetchBodyAsync(message, cancellationToken) : message;
        if (complete is not null && OnceGuard.Applies(sandbox.Revision, message) && !await StartOnceAsync(sandbox.Revision, delivery, message, settled, cancellationToken))
        {
            return null;
        }

        var response = Respond(delivery, message, startedAt, coldStart, run);
        var execution = complete is null
            ? new ExecutionOutcome { Error = EventGone, Run = TimeSpan.Zero }
            : !IsFor(sandbox.Revision, message) ? new ExecutionOutcome { Error = NotItsOwn, Run = TimeSpan.Zero }
            : await InvokeAsync(sandbox, delivery, complete, log, response, run.Token);
        if (execution.Error?.Code == ErrorCode.Cancelled)
        {
            // Whoever killed it says how it ended. The drain time is over and it is asynchronous: left unsettled, another worker gets it.
            var isLeft = !run.IsCancelled && response.Problem is null && cancellationToken.IsCancellationRequested && message.Kind == InvocationKind.Asynchronous;
            if (isLeft)
            {
                return execution;
            }

            execution = execution with
            {
                Error = run.IsCancelled ? CancelledInvocations.Error
                    : response.Problem ?? (cancellationToken.IsCancellationRequested ? Stopped : slotLost.IsCancellationRequested ? SlotLost : execution.Error),
            };
        }

        if (message.Kind == InvocationKind.Asynchronous && RetryHeaders.FindFailure(execution.Result) is { } failure)
        {
            execution = execution with { Result = null, Error = failure };
        }

        settled(completion.EndAsync(new RunEnd
        {
            Revision = sandbox.Revision,
            Delivery = delivery,
            Message = message,
            Execution = execution,
            Log = log,
            StartedAt = startedAt,
            Start = coldStart,
            Body = complete?.Body,
            Response = response,
        }));
        return execution;
    }

    /// <summary>Records and settles a delivery for which no sandbox could be got.</summary>
    public Task FailStartAsync(FunctionRevision revision, IDelivery delivery, InvocationMessage message, SandboxStart start, ExecutionLog log) =>
        completion.EndAsync(new RunEnd
        {
            Revision = revision,
            Delivery = delivery,
            Message = message,
            Execution = new ExecutionOutcome { Error = start.Error, Run = TimeSpan.Zero, CpuTime = start.CpuTime, PeakMemoryBytes = start.PeakMemoryBytes },
            Log = log,
            StartedAt = time.GetUtcNow() - start.Start - start.Init,
            Start = start,
            AcknowledgesCall = true,
        });

    /// <summary>Answers a delivery that no worker here can ever run.</summary>
    public Task RefuseAsync(IDelivery delivery, InvocationMessage message, InvocationError error) => completion.RefuseAsync(delivery, message, error);

    /// <summary>Returns when results can be written again: what cannot be recorded is not run.</summary>
    public async ValueTask WhenStoreKeepsUpAsync(CancellationToken cancellationToken)
    {
        while (completion.IsSaturated)
        {
            await Task.Delay(StorePause, time, cancellationToken);
        }
    }

    // Lanes see to it for functions and revisions. Of accounts a message is the only word, and whoever forges one gets no warm sandbox by it.
    private static bool IsFor(FunctionRevision revision, InvocationMessage message) =>
        revision.FunctionId == message.FunctionId && revision.Revision == message.Revision && revision.AccountId == message.AccountId;

    /// <summary>True if this worker has started it; otherwise it is settled.</summary>
    private async Task<bool> StartOnceAsync(
        FunctionRevision revision, IDelivery delivery, InvocationMessage message, Action<Task> settled, CancellationToken cancellationToken)
    {
        var start = await once.StartAsync(revision, message, cancellationToken);
        if (OnceGuard.IsLost(start, delivery))
        {
            settled(completion.EndUnrunAsync(revision, delivery, message, OnceGuard.Lost));
        }
        else if (start != StartOutcome.Started)
        {
            await delivery.AckAsync();
        }

        return start == StartOutcome.Started;
    }

    private ResponseStream Respond(
        IDelivery delivery, InvocationMessage message, DateTimeOffset startedAt, SandboxStart? coldStart, CancelledInvocations.CancellableRun run) => new(
            delivery.OpenAnswer,
            head => new InvocationReply
            {
                InvocationId = message.InvocationId,
                Result = head,
                Timings = Completion.TimingsOf(message, startedAt, coldStart),
                ColdStart = coldStart is not null,
                WorkerId = workerId,
            },
            options.Value.StreamedAnswerBytes,
            run.Kill);

    private async Task<ExecutionOutcome> InvokeAsync(ISandbox sandbox, IDelivery delivery, InvocationMessage message, ExecutionLog log, ResponseStream response, CancellationToken cancellationToken)
    {
#if FAULTS
        Faults.Executing(message);
#endif
        var run = sandbox.InvokeAsync(message, log, response, cancellationToken);
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
}
