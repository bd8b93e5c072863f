using FaasCluster.Messaging.RabbitMq.Wire;

namespace FaasCluster.Messaging.RabbitMq.Publishing;

/// <summary>One publish on its way from its caller to its confirm.</summary>
internal sealed class PendingPublish(string exchange, string routingKey, Outgoing outgoing)
    : TaskCompletionSource<PublishOutcome>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    private const int Waiting = 0;
    private const int Taken = 1;
    private const int Withdrawn = 2;

    private int state;

    public string Exchange => exchange;

    public string RoutingKey => routingKey;

    public Outgoing Outgoing => outgoing;

    /// <summary>The window that it waits in; null before it was sent.</summary>
    public ConfirmWindow? Window { get; set; }

    /// <summary>Its sequence number on its channel.</summary>
    public ulong Number { get; set; }

    /// <summary>Set by a return; the confirm that follows it then means nothing.</summary>
    public bool IsUnroutable { get; set; }

    /// <summary>The publisher's side: from here on the caller's memory is read.</summary>
    public bool TryTake() => Interlocked.CompareExchange(ref state, Taken, Waiting) == Waiting;

    /// <summary>The caller's side: true if it was not sent and never will be.</summary>
    public bool TryWithdraw() => Interlocked.CompareExchange(ref state, Withdrawn, Waiting) == Waiting;
}
