namespace FaasCluster.Messaging.Streaming;

/// <summary>
/// The worker's count of what the gateway has not passed on yet. The gateway tells the sum of what it has passed on since the
/// beginning and not a difference: a lost message is made good by the next.
/// </summary>
/// <param name="window">What may be under way.</param>
internal sealed class AnswerCredit(long window)
{
    private readonly Lock gate = new();
    private TaskCompletionSource changed = NewChange();
    private long sent;
    private long consumed;
    private bool refused;

    /// <summary>Takes credit for a message; if there is none, a task that ends when that may have changed.</summary>
    /// <exception cref="OperationCanceledException">Nobody takes the answer any more.</exception>
    public bool TryTake(long cost, out Task change)
    {
        lock (gate)
        {
            if (refused)
            {
                throw new OperationCanceledException("Nobody takes the answer any more.");
            }

            if (sent + cost - consumed <= window || sent == consumed)
            {
                sent += cost;
                change = Task.CompletedTask;
                return true;
            }

            change = changed.Task;
            return false;
        }
    }

    /// <summary>So much was passed on since the beginning.</summary>
    public void Consume(long total)
    {
        TaskCompletionSource? before = null;
        lock (gate)
        {
            if (total > consumed)
            {
                consumed = Math.Min(total, sent);
                before = changed;
                changed = NewChange();
            }
        }

        before?.TrySetResult();
    }

    /// <summary>Nothing is taken any more.</summary>
    public void Refuse()
    {
        lock (gate)
        {
            refused = true;
        }

        changed.TrySetResult();
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
