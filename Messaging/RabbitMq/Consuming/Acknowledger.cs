using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>
/// Acknowledges for one channel, many at once where that is safe: "multiple" only up to the highest tag below which every
/// delivery is settled. Whoever comes while another one's frame is being written leaves its tag and goes: a lone
/// acknowledgement is sent at once, a flood shares frames.
/// </summary>
internal sealed class Acknowledger(IChannel channel)
{
    private readonly Lock gate = new();
    private readonly HashSet<ulong> waiting = [];
    private readonly HashSet<ulong> settled = [];
    private ulong low;
    private bool writing;
    private Task flushing = Task.CompletedTask;

    /// <summary>Acknowledges in the sender's own time: when it returns, the frame is on its way.</summary>
    public ValueTask AckNowAsync(ulong tag)
    {
        lock (gate)
        {
            Settle(tag);
        }

        return channel.BasicAckAsync(tag, multiple: false);
    }

    /// <summary>Acknowledges soon, together with others.</summary>
    public void AckSoon(ulong tag)
    {
        lock (gate)
        {
            waiting.Add(tag);
            if (writing)
            {
                return;
            }

            writing = true;
            flushing = Task.Run(FlushAsync);
        }
    }

    /// <summary>Gives back or dead-letters.</summary>
    public ValueTask NackAsync(ulong tag, bool requeue)
    {
        lock (gate)
        {
            Settle(tag);
        }

        return channel.BasicNackAsync(tag, multiple: false, requeue);
    }

    /// <summary>Ends when everything that was acknowledged until now is on its way.</summary>
    public Task FlushedAsync()
    {
        lock (gate)
        {
            return flushing;
        }
    }

    private async Task FlushAsync()
    {
        var single = new List<ulong>();
        while (true)
        {
            ulong upTo = 0;
            lock (gate)
            {
                if (waiting.Count == 0)
                {
                    writing = false;
                    return;
                }

                // Everything up to low is settled; what of that still waits for its frame shares one. Its tag must be one that
                // the broker still holds: for another one it would search on and acknowledge what is not settled at all.
                while (true)
                {
                    if (waiting.Remove(low + 1))
                    {
                        upTo = ++low;
                    }
                    else if (settled.Remove(low + 1))
                    {
                        low++;
                    }
                    else
                    {
                        break;
                    }
                }

                single.AddRange(waiting);
                foreach (var tag in waiting)
                {
                    settled.Add(tag);
                }

                waiting.Clear();
            }

            try
            {
                if (upTo > 0)
                {
                    await channel.BasicAckAsync(upTo, multiple: true);
                }

                foreach (var tag in single)
                {
                    await channel.BasicAckAsync(tag, multiple: false);
                }
            }
            catch (Exception)
            {
                // The channel is gone: these deliveries come again.
            }

            single.Clear();
        }
    }

    private void Settle(ulong tag)
    {
        settled.Add(tag);
        while (settled.Remove(low + 1))
        {
            low++;
        }
    }
}
