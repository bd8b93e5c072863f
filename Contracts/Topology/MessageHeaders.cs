namespace FaasCluster.Contracts.Topology;

/// <summary>
/// Header fields of invocation messages on the broker, beside AMQP's own properties: message-id is the invocation, type says
/// what it is, content-type is that of the event, reply-to and correlation-id lead back to the caller.
/// </summary>
public static class MessageHeaders
{
    /// <summary>Type of a synchronous invocation.</summary>
    public const string CallType = "call";

    /// <summary>Type of an asynchronous invocation.</summary>
    public const string EventType = "event";

    /// <summary>Type of a request to become warm.</summary>
    public const string WakeType = "wake";

    /// <summary>Type of a worker's notice that a run started; app-id is the worker.</summary>
    public const string StartedType = "started";

    /// <summary>Type of a worker's answer; app-id is the worker.</summary>
    public const string ReplyType = "reply";

    /// <summary>Type of a piece of a worker's answer; the first one is the head. app-id is the worker.</summary>
    public const string PieceType = "piece";

    /// <summary>Type of a worker's question, asked while it waits for credit, whether its answer is still taken; app-id is the worker.</summary>
    public const string WaitingType = "waiting";

    /// <summary>Type of a gateway's notice of how much of an answer it has passed on.</summary>
    public const string CreditType = "credit";

    /// <summary>Type of a gateway's notice that nobody takes an answer any more.</summary>
    public const string RefusalType = "refusal";

    /// <summary>Type of a gateway's question whether a worker lives.</summary>
    public const string ProbeType = "probe";

    /// <summary>In a call: how much of an answer may be under way in pieces, in bytes; missing if the caller takes it only whole.</summary>
    public const string Window = "faas-window";

    /// <summary>The worker's number of an answer in pieces; also in the reply that ends it.</summary>
    public const string Stream = "faas-stream";

    /// <summary>The number of a piece, from 0; in the reply, how many there were.</summary>
    public const string Sequence = "faas-sequence";

    /// <summary>In a credit: how much was passed on since the beginning.</summary>
    public const string Credit = "faas-credit";

    /// <summary>In a refusal: the name of the <see cref="Invocations.ErrorCode"/> by which the run ends.</summary>
    public const string Why = "faas-why";

    /// <summary>The function's id, 32 hexadecimal digits.</summary>
    public const string Function = "faas-function";

    /// <summary>The revision, a number from 1.</summary>
    public const string Revision = "faas-revision";

    /// <summary>The account.</summary>
    public const string Account = "faas-account";

    /// <summary>The attempt, a number from 1; missing on the first.</summary>
    public const string Attempt = "faas-attempt";

    /// <summary>True if the whole answer is kept with the record; missing if not.</summary>
    public const string KeepsAnswer = "faas-keeps-answer";

    /// <summary>How many attempts before this one the policy counted; missing if none.</summary>
    public const string Failures = "faas-failures";

    /// <summary>"http", "api" or "destination".</summary>
    public const string Trigger = "faas-trigger";

    /// <summary>When it was accepted, in units of 100 ns since 1970.</summary>
    public const string AcceptedAt = "faas-accepted";

    /// <summary>When the attempt became due, in units of 100 ns since 1970; missing if it is the time of acceptance.</summary>
    public const string DueAt = "faas-due";

    /// <summary>When it is too late to start, in units of 100 ns since 1970.</summary>
    public const string Deadline = "faas-deadline";

    /// <summary>The W3C trace context.</summary>
    public const string TraceParent = "traceparent";

    /// <summary>The HTTP request without its body, as JSON.</summary>
    public const string Http = "faas-http";

    /// <summary>What an answer says beside its body, as JSON.</summary>
    public const string Reply = "faas-reply";

    /// <summary>How many bytes at the end of the body are the JSON of <see cref="Http"/> or <see cref="Reply"/>, where it is too long for a header.</summary>
    public const string Tail = "faas-tail";

    /// <summary>True if the event lies in the payload store.</summary>
    public const string Stored = "faas-stored";

    /// <summary>True if no destination is to hear of its end; missing otherwise.</summary>
    public const string SuppressDestinations = "faas-suppress-destinations";

    /// <summary>How many destinations lead here, a number from 1; missing for what a caller sent.</summary>
    public const string Depth = "faas-depth";

    /// <summary>The invocation whose end caused this one, 32 hexadecimal digits; missing for what a caller sent.</summary>
    public const string CausedBy = "faas-caused-by";

    /// <summary>Where the end is to be told, a URL; missing if nobody asked for it.</summary>
    public const string Callback = "faas-callback";

    /// <summary>A content type that is too long for AMQP's property.</summary>
    public const string ContentType = "faas-content-type";

    /// <summary>How many workers handed it back as too large for them.</summary>
    public const string Refusals = "faas-refusals";
}
