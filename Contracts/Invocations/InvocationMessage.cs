namespace FaasCluster.Contracts.Invocations;

/// <summary>
/// One attempt of one invocation on its way to a worker. It names the function by id only: whoever reaches the broker
/// can ask for a function that exists, never bring code along.
/// </summary>
public sealed record InvocationMessage
{
    /// <summary>The invocation, a UUID version 7; the same for every attempt.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>The function.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>The revision that was current when the invocation was accepted, from 1.</summary>
    public required int Revision { get; init; }

    /// <summary>The account that the function belongs to.</summary>
    public required string AccountId { get; init; }

    /// <summary>Which execution this is, from 1. A redelivery keeps it; only the platform's own retry raises it.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>
    /// How many of the attempts before this one the function's policy counted, from 0. The others met faults of the platform or a
    /// limit, which use up nothing.
    /// </summary>
    public int Failures { get; init; }

    /// <summary>Whether somebody waits for the answer.</summary>
    public required InvocationKind Kind { get; init; }

    /// <summary>What caused it.</summary>
    public required TriggerKind Trigger { get; init; }

    /// <summary>When the gateway accepted it. The queue time of the first attempt counts from here.</summary>
    public required DateTimeOffset AcceptedAt { get; init; }

    /// <summary>
    /// When this attempt became due: equal to <see cref="AcceptedAt"/> for the first, the end of the backoff for later ones.
    /// </summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>
    /// When it is too late to start: the caller's wait deadline (synchronous) or the end of the maximum age (asynchronous).
    /// </summary>
    public required DateTimeOffset Deadline { get; init; }

    /// <summary>The W3C trace context of the sender; null outside a trace.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The content type of <see cref="Body"/>; null if none was sent.</summary>
    public string? ContentType { get; init; }

    /// <summary>The HTTP request without its body; null unless <see cref="Trigger"/> is HTTP.</summary>
    public HttpEvent? Http { get; init; }

    /// <summary>
    /// True if the event was too large to travel: it lies in the payload store under the invocation's id and
    /// <see cref="Body"/> is empty.
    /// </summary>
    public bool BodyIsStored { get; init; }

    /// <summary>True if its end is told to nobody, neither destination nor callback: a replay for which that was asked.</summary>
    public bool SuppressDestinations { get; init; }

    /// <summary>How many destinations lie between this invocation and one that nobody's end caused: 0 for those of callers.</summary>
    public int Depth { get; init; }

    /// <summary>The invocation whose end caused this one; null for those of callers.</summary>
    public Guid? CausedBy { get; init; }

    /// <summary>Where the end is to be told, http or https; null if nobody asked for it. Asynchronous invocations only.</summary>
    public Uri? Callback { get; init; }

    /// <summary>True if its answer is kept with the record whatever its size: its caller may ask for it again.</summary>
    public bool KeepsAnswer { get; init; }

    /// <summary>The event's bytes as they were sent. Valid only as long as whoever hands out the message says.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }
}
