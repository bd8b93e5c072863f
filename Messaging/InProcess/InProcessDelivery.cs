using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>One delivery of an <see cref="Entry"/> to one subscription.</summary>
internal sealed class InProcessDelivery(InProcessBroker broker, Entry entry, InProcessSubscription subscription, bool isCold) : IDelivery, IThreadPoolWorkItem
{
    private int settled;

    public Entry Entry => entry;

    public InProcessSubscription Subscription => subscription;

    public Guid FunctionId => entry.FunctionId;

    public InvocationMessage? Message => entry.Message;

    public bool IsCold => isCold;

    public bool Redelivered { get; } = entry.Deliveries > 1;

    public int Refusals => entry.Refusals;

    public ValueTask AckAsync() => Settle(Settlement.Acknowledged);

    public ValueTask SpillAsync() => Settle(entry.IsAsynchronous ? Settlement.Returned : Settlement.Spilled);

    public ValueTask ReturnAsync(bool refused = false)
    {
        if (refused)
        {
            entry.Refusals++;
        }

        return Settle(Settlement.Returned);
    }

    public ValueTask SendStartedAsync()
    {
        broker.Started(entry);
        return ValueTask.CompletedTask;
    }

    public ValueTask SendReplyAsync(InvocationReply reply)
    {
        broker.Reply(entry, reply);
        return ValueTask.CompletedTask;
    }

    /// <summary>Hands it to the subscriber, on a thread of the pool: publishers never run consumers' code.</summary>
    public void Execute() => subscription.Deliver(this);

    private ValueTask Settle(Settlement how)
    {
        if (Interlocked.Exchange(ref settled, 1) == 0)
        {
            broker.Settle(this, how);
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
}
