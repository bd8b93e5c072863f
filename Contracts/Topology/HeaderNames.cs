namespace FaasCluster.Contracts.Topology;

/// <summary>Header fields of the platform, in HTTP answers.</summary>
public static class HeaderNames
{
    /// <summary>The invocation's id.</summary>
    public const string InvocationId = "Faas-Invocation-Id";

    /// <summary>The name of the <see cref="Invocations.ErrorCode"/>, where the invocation or the request failed.</summary>
    public const string Error = "Faas-Error";

    /// <summary>"cold" or "warm".</summary>
    public const string Start = "Faas-Start";

    /// <summary>Whole milliseconds that are billed.</summary>
    public const string BilledDuration = "Faas-Billed-Duration";

    /// <summary>"false" if the record could not be confirmed in time.</summary>
    public const string Recorded = "Faas-Recorded";

    /// <summary>
    /// In an answer of a function to an asynchronous invocation: the attempt failed, and the next one is due after so many seconds.
    /// </summary>
    public const string RetryAfter = "Faas-Retry-After";

    /// <summary>In an answer of a function to an asynchronous invocation: "never" means that the attempt failed and is the last one.</summary>
    public const string Retry = "Faas-Retry";

    /// <summary>In an asynchronous call: the http or https URL to which the end is to be posted. In answers: never.</summary>
    public const string CallbackUrl = "Faas-Callback-Url";

    /// <summary>In a callback, and in a message to a queue of the users: the state in which the invocation ended.</summary>
    public const string Status = "Faas-Status";

    /// <summary>In a callback: which delivery this is, a number from 1.</summary>
    public const string CallbackAttempt = "Faas-Callback-Attempt";

    /// <summary>In a message to a queue of the users: the function whose invocation ended.</summary>
    public const string Function = "Faas-Function";

    /// <summary>In a request: when an asynchronous invocation is due, as a span from now such as 30s.</summary>
    public const string Delay = "Faas-Delay";

    /// <summary>In a request: when an asynchronous invocation is due, as a time of RFC 3339.</summary>
    public const string At = "Faas-At";

    /// <summary>In a request: the caller's name for it (draft-ietf-httpapi-idempotency-key-header); sent again it is not carried out again.</summary>
    public const string IdempotencyKey = "Idempotency-Key";

    /// <summary>"true" in an answer that was given before, to a request with the same <see cref="IdempotencyKey"/>.</summary>
    public const string Replayed = "Idempotent-Replayed";

    /// <summary>The caller's API key; <c>Authorization: Bearer</c> does as well.</summary>
    public const string ApiKey = "Faas-Key";
}
