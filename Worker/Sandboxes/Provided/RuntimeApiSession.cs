using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// The Runtime API of one sandbox: which of its calls is allowed when, and what it leads to. One side is called by the worker, the other
/// by whatever connects from inside the sandbox, in any order and on as many connections as it likes.
/// </summary>
internal sealed class RuntimeApiSession
{
    private readonly Lock gate = new();
    private readonly LinkedList<TaskCompletionSource<RuntimeInvocation>> polls = new();
    private readonly TaskCompletionSource<InvocationError?> started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private RuntimeApiState state = RuntimeApiState.Started;
    private RuntimeInvocation? current;
    private bool isWaiting;

    /// <summary>Ends with the first "next" (null) or with the error that the runtime could not start with.</summary>
    public Task<InvocationError?> Started => started.Task;

    /// <summary>Ends when the runtime, having answered the last invocation, asks for another one.</summary>
    public Task Ready
    {
        get
        {
            lock (gate)
            {
                return ready.Task;
            }
        }
    }

    /// <summary>Hands an invocation to the runtime: at once if it has asked, else when it does. The one before must have ended.</summary>
    public void Begin(RuntimeInvocation invocation)
    {
        lock (gate)
        {
            current = invocation;
            isWaiting = true;
            ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Deliver();
        }
    }

    /// <summary>"next".</summary>
    /// <param name="gone">Cancelled when the connection ends.</param>
    /// <returns>The invocation, when there is one; null if the call is not allowed now.</returns>
    /// <exception cref="OperationCanceledException">The connection ended: whoever asks next gets the invocation.</exception>
    public async ValueTask<(RuntimeInvocation? Invocation, Refusal? Refusal)> PollAsync(CancellationToken gone)
    {
        TaskCompletionSource<RuntimeInvocation> poll;
        lock (gate)
        {
            switch (state)
            {
                case RuntimeApiState.InitError or RuntimeApiState.InvocationResponse or RuntimeApiState.InvocationErrorResponse:
                    return (null, Refusal.InvalidTransition(state, RuntimeApiState.Ready));
                case RuntimeApiState.Running:
                    // Its connection broke before it had read the event, so it asks again.
                    return (current, null);
            }

            poll = new(TaskCreationOptions.RunContinuationsAsynchronously);
            polls.AddLast(poll);
            BecomeReady();
            Deliver();
        }

        await using (gone.UnsafeRegister(static (source, token) => ((TaskCompletionSource<RuntimeInvocation>)source!).TrySetCanceled(token), poll))
        {
            try
            {
                return (await poll.Task, null);
            }
            finally
            {
                lock (gate)
                {
                    polls.Remove(poll);
                }
            }
        }
    }

    /// <summary>Begins an answer; who may has the right to <see cref="EndAnswer"/>, and must call it.</summary>
    public Refusal? BeginAnswer(string id, bool isError, out RuntimeInvocation? invocation)
    {
        var wanted = isError ? RuntimeApiState.InvocationErrorResponse : RuntimeApiState.InvocationResponse;
        lock (gate)
        {
            invocation = null;
            if (current?.Id != id || isWaiting)
            {
                return Refusal.InvalidRequestId;
            }

            if (state != RuntimeApiState.Running)
            {
                return Refusal.InvalidTransition(state, wanted);
            }

            state = wanted;
            invocation = current;
            return null;
        }
    }

    /// <summary>The answer is complete, or will never be.</summary>
    public void EndAnswer(RuntimeInvocation invocation, RuntimeAnswer answer)
    {
        lock (gate)
        {
            state = RuntimeApiState.ResponseSent;
            if (polls.Count > 0)
            {
                BecomeReady();
            }
        }

        invocation.End(answer);
    }

    /// <summary>"init/error": whether it may be said now.</summary>
    public Refusal? BeginInitError()
    {
        lock (gate)
        {
            if (state != RuntimeApiState.Started)
            {
                return Refusal.InvalidTransition(state, RuntimeApiState.InitError);
            }

            state = RuntimeApiState.InitError;
            return null;
        }
    }

    /// <summary>What was said by it.</summary>
    public void EndInitError(InvocationError error) => started.TrySetResult(error);

    // Under the lock, as is the next.
    private void BecomeReady()
    {
        state = RuntimeApiState.Ready;
        started.TrySetResult(null);
        if (!isWaiting)
        {
            ready.TrySetResult();
        }
    }

    private void Deliver()
    {
        while (isWaiting && polls.First is { } poll)
        {
            polls.RemoveFirst();
            if (poll.Value.TrySetResult(current!))
            {
                isWaiting = false;
                state = RuntimeApiState.Running;
            }
        }
    }
}
