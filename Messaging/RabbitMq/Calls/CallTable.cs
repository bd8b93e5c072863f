using System.Collections.Concurrent;
using System.Globalization;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.RabbitMq.Connections;

namespace FaasCluster.Messaging.RabbitMq.Calls;

/// <summary>The calls of this node that wait for an answer, by number.</summary>
internal sealed class CallTable(TimeProvider time)
{
    private readonly ConcurrentDictionary<long, PendingCall> calls = new();
    private long lastNumber;

    public bool IsEmpty => calls.IsEmpty;

    /// <summary>All of them; some may end meanwhile.</summary>
    public IEnumerable<PendingCall> All => calls.Select(pair => pair.Value);

    public long NextNumber() => Interlocked.Increment(ref lastNumber);

    public void Add(PendingCall call) => calls[call.Number] = call;

    public void Remove(PendingCall call) => calls.TryRemove(call.Number, out _);

    /// <summary>The call that an answer, a notice or a return belongs to; null if it has ended.</summary>
    public PendingCall? Find(string? correlationId) =>
        long.TryParse(correlationId, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && calls.TryGetValue(number, out var call) ? call : null;

    /// <summary>Notes that a run started.</summary>
    public void Started(string? correlationId, string workerId)
    {
        if (Find(correlationId) is { } call)
        {
            call.RunUntil = time.GetTimestamp() + (long)(call.RunLimit.TotalSeconds * time.TimestampFrequency);
            call.SuspectUntil = 0;
            call.StartedOn = workerId;
        }
    }

    /// <summary>Fails what was published on a channel and not started: it may never have arrived.</summary>
    public void FailUnstarted(LiveChannel channel)
    {
        foreach (var call in All)
        {
            if (call.StartedOn is null && ReferenceEquals(call.Channel, channel))
            {
                call.Fail(ErrorCode.BrokerUnavailable);
            }
        }
    }

    /// <summary>Fails what waits for an answer on a queue that is gone.</summary>
    public void FailWaitingOn(string replyQueue)
    {
        foreach (var call in All)
        {
            if (call.ReplyQueue == replyQueue)
            {
                call.Fail(ErrorCode.BrokerUnavailable);
            }
        }
    }
}
