using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>One delivery of an <see cref="Entry"/> to one subscription.</summary>
internal sealed class InProcessDelivery(InProcessQueues queues, Entry entry, InProcessSubscription subscription, bool isCold) : IDelivery
{
    private static long lastNumber;

    private int settled;
    private InProcessAnswerStream? answer;

    public Entry Entry => entry;

    public InProcessSubscription Subscription => subscription;

    /// <summary>Grows with every delivery.</summary>
    public long Number { get; } = Interlocked.Increment(ref lastNumber);

    /// <summary>True from the moment that the consumer has it. Guarded by the queues' lock.</summary>
    public bool IsHandedOver { get; set; }

    public Guid FunctionId => entry.FunctionId;

    public InvocationMessage? Message => entry.Message;

    public bool IsCold => isCold;

    public bool Redelivered { get; } = entry.Deliveries > 1;

    public int Refusals { get; } = entry.Refusals;

    public ValueTask AckAsync() => Settle(Settlement.Acknowledged);

    public ValueTask SpillAsync() => Settle(entry.Kind == EntryKind.Event ? Settlement.Returned : Settlement.Spilled);

    public ValueTask ReturnAsync(bool refused = false) => Settle(refused ? Settlement.Refused : Settlement.Returned);

    public ValueTask SendStartedAsync()
    {
        subscription.Calls.Started(entry.Message);
        return ValueTask.CompletedTask;
    }

    public IAnswerStream? OpenAnswer(Action<ErrorCode> onRefused) =>
        entry.StreamWindow == 0 ? null : answer = new InProcessAnswerStream(subscription.Calls, entry, onRefused);

    public ValueTask SendReplyAsync(InvocationReply reply)
    {
        subscription.Calls.Answer(entry.Message, reply, answer);
        return ValueTask.CompletedTask;
    }

    private ValueTask Settle(Settlement how)
    {
        if (Interlocked.Exchange(ref settled, 1) == 0)
        {
            if (how == Settlement.Refused)
            {
                entry.Refusals++;
            }

            queues.Settle(this, how);
        }

        return ValueTask.CompletedTask;
    }
}

/// <summary>What becomes of a delivery.</summary>
internal enum Settlement
{
    /// <summary>Done.</summary>
    Acknowledged,

    /// <summary>To the cold queue.</summary>
    Spilled,

    /// <summary>Back to where it came from.</summary>
    Returned,

    /// <summary>Back to the end of where it came from: too large for this worker.</summary>
    Refused,
}
