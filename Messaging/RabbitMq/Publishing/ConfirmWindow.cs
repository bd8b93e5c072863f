using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Publishing;

/// <summary>
/// What was published on one channel and not confirmed yet, by sequence number. Filled by the publisher, emptied by the
/// connection's receiving loop.
/// </summary>
internal sealed class ConfirmWindow(int capacity)
{
    private readonly Dictionary<ulong, PendingPublish> pending = new(capacity);
    private readonly Lock gate = new();
    private ulong lowest = 1;
    private ulong next = 1;
    private ulong highestConfirmed;
    private readonly CancellationTokenSource abandoned = new();
    private bool closed;

    /// <summary>Cancelled when the channel is to be replaced.</summary>
    public CancellationToken Abandoned => abandoned.Token;

    public Task AbandonAsync() => abandoned.CancelAsync();

    /// <summary>Adds the next publish; false if the window is closed.</summary>
    public bool TryAdd(PendingPublish publish)
    {
        lock (gate)
        {
            if (closed)
            {
                return false;
            }

            publish.Number = next;
            pending.Add(next, publish);
            next++;
            return true;
        }
    }

    /// <summary>Takes a confirm or a refusal, of one or of all up to one.</summary>
    public void Complete(ulong tag, bool multiple, PublishOutcome outcome)
    {
        lock (gate)
        {
            highestConfirmed = Math.Max(highestConfirmed, tag);
            for (var number = multiple ? lowest : tag; number <= tag; number++)
            {
                if (pending.Remove(number, out var publish))
                {
                    publish.TrySetResult(publish.IsUnroutable ? PublishOutcome.Unroutable : outcome);
                }
            }

            if (multiple)
            {
                lowest = tag + 1;
            }
        }
    }

    /// <summary>Marks a publish that came back; its confirm follows.</summary>
    public PendingPublish? Return(IReadOnlyBasicProperties properties, string routingKey)
    {
        lock (gate)
        {
            // Rare, and the order of equal ones does not matter.
            foreach (var publish in pending.Values)
            {
                if (!publish.IsUnroutable && publish.RoutingKey == routingKey && publish.Outgoing.Properties.MessageId == properties.MessageId)
                {
                    publish.IsUnroutable = true;
                    return publish;
                }
            }

            return null;
        }
    }

    /// <summary>
    /// Forgets a publish whose confirm did not come in time. True if nothing behind it was confirmed either: then it is not one
    /// queue that is stuck but the channel.
    /// </summary>
    public bool GiveUp(PendingPublish publish)
    {
        lock (gate)
        {
            pending.Remove(publish.Number);
            return highestConfirmed < publish.Number;
        }
    }

    /// <summary>The channel is gone: nobody knows what became of the rest.</summary>
    public void Close()
    {
        lock (gate)
        {
            closed = true;
            foreach (var publish in pending.Values)
            {
                publish.TrySetResult(PublishOutcome.Unknown);
            }

            pending.Clear();
        }
    }
}
