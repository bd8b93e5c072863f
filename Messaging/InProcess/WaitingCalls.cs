using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>Callers that wait for an answer.</summary>
internal sealed class WaitingCalls(string nodeId, TimeProvider time)
{
    /// <summary>A run that begins just before the deadline says so, or answers, within this.</summary>
    private static readonly TimeSpan StartGrace = TimeSpan.FromMilliseconds(500);

    /// <summary>For the record's commit and the way back.</summary>
    private static readonly TimeSpan ReplyGrace = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<InvocationMessage, Waiting> calls = new(ReferenceEqualityComparer.Instance);

    /// <summary>Queues a call and waits for its end.</summary>
    public async Task<CallOutcome> WaitAsync(InvocationMessage message, Action<InvocationMessage> queue, TimeSpan runLimit, CancellationToken cancellationToken)
    {
        var patience = message.Deadline - time.GetUtcNow();
        if (patience <= TimeSpan.Zero)
        {
            return new CallOutcome { Error = ErrorCode.WaitTimeout };
        }

        // The queue may outlive the caller and the caller's buffer.
        var kept = message with { Body = message.Body.ToArray() };
        var call = new Waiting();
        calls[kept] = call;
        try
        {
            queue(kept);
            if (await WithinAsync(call.Progress.Task, patience + StartGrace, cancellationToken) is { } unstarted)
            {
                return new CallOutcome { Error = unstarted };
            }

            // Started or answered: from here on the run has its own limit.
            return await WithinAsync(call.Reply.Task, runLimit + ReplyGrace, cancellationToken) is { } unanswered
                ? new CallOutcome { Error = unanswered, StartedOn = nodeId }
                : new CallOutcome { Reply = await call.Reply.Task, StartedOn = nodeId };
        }
        finally
        {
            calls.TryRemove(kept, out _);
        }
    }

    /// <summary>Says that a call runs.</summary>
    public void Started(InvocationMessage? message)
    {
        if (message is not null && calls.TryGetValue(message, out var call))
        {
            call.Progress.TrySetResult();
        }
    }

    /// <summary>Answers a call.</summary>
    public void Answer(InvocationMessage? message, InvocationReply reply)
    {
        if (message?.InvocationId == reply.InvocationId && calls.TryGetValue(message, out var call))
        {
            call.Reply.TrySetResult(reply);
            call.Progress.TrySetResult();
        }
    }

    /// <summary>Null if the task ended in time, else why not.</summary>
    private async Task<ErrorCode?> WithinAsync(Task task, TimeSpan atMost, CancellationToken cancellationToken)
    {
        try
        {
            await task.WaitAsync(atMost, time, cancellationToken);
            return null;
        }
        catch (TimeoutException)
        {
            return ErrorCode.WaitTimeout;
        }
        catch (OperationCanceledException)
        {
            return ErrorCode.Cancelled;
        }
    }

    private sealed class Waiting
    {
        /// <summary>Ends when the run started or was answered.</summary>
        public TaskCompletionSource Progress { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<InvocationReply> Reply { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
