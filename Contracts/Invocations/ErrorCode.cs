namespace FaasCluster.Contracts.Invocations;

/// <summary>
/// Every way in which a request or an invocation can end other than well. The list is closed: what each code means for
/// blame, retry, bill and HTTP status stands in <see cref="ErrorCodes"/>.
/// </summary>
public enum ErrorCode
{
    /// <summary>The handler raised an error.</summary>
    FunctionError,

    /// <summary>The function's code failed while it was loaded.</summary>
    InitError,

    /// <summary>The function's code was not loaded within the init deadline.</summary>
    InitTimeout,

    /// <summary>The handler ran past its timeout and was killed.</summary>
    Timeout,

    /// <summary>The sandbox needed more memory than the function has.</summary>
    OutOfMemory,

    /// <summary>The function's process ended before it answered, or ended with a status other than 0.</summary>
    ProcessExited,

    /// <summary>The answer is larger than the limit.</summary>
    ResponseTooLarge,

    /// <summary>The answer is no valid HTTP response (status, header names or values).</summary>
    InvalidResponse,

    /// <summary>What the sandbox sent is not the runtime protocol.</summary>
    ProtocolError,

    /// <summary>The stored package does not match its hash or cannot be unpacked.</summary>
    PackageInvalid,

    /// <summary>The sandbox could not be started.</summary>
    SandboxFailed,

    /// <summary>The worker died in mid-run.</summary>
    WorkerLost,

    /// <summary>The invocation killed every worker that took it.</summary>
    Poison,

    /// <summary>No worker has room for the function.</summary>
    NoCapacity,

    /// <summary>The caller's wait deadline passed before a worker answered.</summary>
    WaitTimeout,

    /// <summary>The function or the account is at its concurrency or rate limit.</summary>
    Throttled,

    /// <summary>The function's queue is full.</summary>
    QueueFull,

    /// <summary>The invocation outlived its maximum age.</summary>
    Expired,

    /// <summary>The invocation was cancelled.</summary>
    Cancelled,

    /// <summary>The function was deleted while the invocation waited.</summary>
    FunctionDeleted,

    /// <summary>The broker cannot be reached or refuses messages.</summary>
    BrokerUnavailable,

    /// <summary>The store cannot be reached.</summary>
    StoreUnavailable,

    /// <summary>A field of the request is wrong; the answer names it.</summary>
    ValidationFailed,

    /// <summary>The request asks for what this installation cannot do or enforce.</summary>
    NotSupported,

    /// <summary>No such thing in this account.</summary>
    NotFound,

    /// <summary>No key, or an unknown one.</summary>
    Unauthorized,

    /// <summary>The key does not allow this.</summary>
    Forbidden,

    /// <summary>The thing is in a state that does not allow this.</summary>
    Conflict,

    /// <summary>The body is larger than the limit.</summary>
    PayloadTooLarge,

    /// <summary>The body's content type is not one of those expected.</summary>
    UnsupportedMediaType,

    /// <summary>A bug of the platform.</summary>
    Internal,

    /// <summary>The caller left, or could not be reached any more, while the function was streaming its answer; the run was killed.</summary>
    CallerLeft,
}

/// <summary>Who has to act on an error.</summary>
public enum Fault
{
    /// <summary>The function's author.</summary>
    Function,

    /// <summary>Whoever sent the request.</summary>
    Caller,

    /// <summary>Whoever runs the cluster.</summary>
    Platform,
}

/// <summary>How an asynchronous invocation goes on after an error.</summary>
public enum RetryTrack
{
    /// <summary>It ends.</summary>
    Never,

    /// <summary>It is retried by the function's policy and uses up an attempt.</summary>
    Policy,

    /// <summary>It is retried by the platform until its maximum age, without using up an attempt.</summary>
    Platform,
}

/// <summary>What an error code means.</summary>
/// <param name="Code">The code.</param>
/// <param name="Name">Its name in the API, in records and in headers: snake_case.</param>
/// <param name="Fault">Who has to act.</param>
/// <param name="Retry">How an asynchronous invocation goes on.</param>
/// <param name="Billed">Whether the time until the error is billed.</param>
/// <param name="HttpStatus">The status with which a synchronous caller is answered, 400 to 599.</param>
/// <param name="Title">A short sentence for people.</param>
public sealed record ErrorCodeInfo(ErrorCode Code, string Name, Fault Fault, RetryTrack Retry, bool Billed, int HttpStatus, string Title);

/// <summary>The attributes of every <see cref="ErrorCode"/>.</summary>
public static class ErrorCodes
{
    private static readonly ErrorCodeInfo[] Table =
    [
        new(ErrorCode.FunctionError, "function_error", Fault.Function, RetryTrack.Policy, true, 502, "The function raised an error."),
        new(ErrorCode.InitError, "init_error", Fault.Function, RetryTrack.Policy, true, 502, "The function could not be loaded."),
        new(ErrorCode.InitTimeout, "init_timeout", Fault.Function, RetryTrack.Policy, true, 504, "The function was not loaded in time."),
        new(ErrorCode.Timeout, "timeout", Fault.Function, RetryTrack.Policy, true, 504, "The function ran past its timeout."),
        new(ErrorCode.OutOfMemory, "out_of_memory", Fault.Function, RetryTrack.Policy, true, 502, "The function ran out of memory."),
        new(ErrorCode.ProcessExited, "process_exited", Fault.Function, RetryTrack.Policy, true, 502, "The function's process ended before it answered."),
        new(ErrorCode.ResponseTooLarge, "response_too_large", Fault.Function, RetryTrack.Policy, true, 502, "The function's answer is too large."),
        new(ErrorCode.InvalidResponse, "invalid_response", Fault.Function, RetryTrack.Policy, true, 502, "The function's answer is no valid HTTP response."),
        new(ErrorCode.ProtocolError, "protocol_error", Fault.Function, RetryTrack.Policy, true, 502, "The sandbox broke the runtime protocol."),
        new(ErrorCode.PackageInvalid, "package_invalid", Fault.Platform, RetryTrack.Platform, false, 500, "The function's package is damaged."),
        new(ErrorCode.SandboxFailed, "sandbox_failed", Fault.Platform, RetryTrack.Platform, false, 500, "The sandbox could not be started."),
        new(ErrorCode.WorkerLost, "worker_lost", Fault.Platform, RetryTrack.Platform, false, 502, "The worker died while it ran the function."),
        new(ErrorCode.Poison, "poison", Fault.Function, RetryTrack.Never, false, 502, "The invocation killed every worker that took it."),
        new(ErrorCode.NoCapacity, "no_capacity", Fault.Platform, RetryTrack.Platform, false, 503, "No worker has room for the function."),
        new(ErrorCode.WaitTimeout, "wait_timeout", Fault.Platform, RetryTrack.Platform, false, 504, "No worker answered before the wait deadline."),
        new(ErrorCode.Throttled, "throttled", Fault.Caller, RetryTrack.Platform, false, 429, "The limit of concurrent or frequent calls is reached."),
        new(ErrorCode.QueueFull, "queue_full", Fault.Caller, RetryTrack.Never, false, 429, "The function's queue is full."),
        new(ErrorCode.Expired, "expired", Fault.Platform, RetryTrack.Never, false, 504, "The invocation outlived its maximum age."),
        new(ErrorCode.Cancelled, "cancelled", Fault.Caller, RetryTrack.Never, false, 409, "The invocation was cancelled."),
        new(ErrorCode.FunctionDeleted, "function_deleted", Fault.Caller, RetryTrack.Never, false, 404, "The function was deleted while the invocation waited."),
        new(ErrorCode.BrokerUnavailable, "broker_unavailable", Fault.Platform, RetryTrack.Platform, false, 503, "The message broker cannot be reached."),
        new(ErrorCode.StoreUnavailable, "store_unavailable", Fault.Platform, RetryTrack.Platform, false, 503, "The store cannot be reached."),
        new(ErrorCode.ValidationFailed, "validation_failed", Fault.Caller, RetryTrack.Never, false, 400, "The request is not valid."),
        new(ErrorCode.NotSupported, "not_supported", Fault.Caller, RetryTrack.Never, false, 422, "This installation cannot do that."),
        new(ErrorCode.NotFound, "not_found", Fault.Caller, RetryTrack.Never, false, 404, "There is no such thing."),
        new(ErrorCode.Unauthorized, "unauthorized", Fault.Caller, RetryTrack.Never, false, 401, "A key is needed."),
        new(ErrorCode.Forbidden, "forbidden", Fault.Caller, RetryTrack.Never, false, 403, "The key does not allow this."),
        new(ErrorCode.Conflict, "conflict", Fault.Caller, RetryTrack.Never, false, 409, "The request conflicts with the present state."),
        new(ErrorCode.PayloadTooLarge, "payload_too_large", Fault.Caller, RetryTrack.Never, false, 413, "The body is too large."),
        new(ErrorCode.UnsupportedMediaType, "unsupported_media_type", Fault.Caller, RetryTrack.Never, false, 415, "The content type is not supported."),
        new(ErrorCode.Internal, "internal", Fault.Platform, RetryTrack.Platform, false, 500, "The platform failed."),

        // The only end by a caller that is billed: what ran until then was asked for, and its beginning was delivered.
        new(ErrorCode.CallerLeft, "caller_left", Fault.Caller, RetryTrack.Never, true, 499, "The caller left while the function was streaming its answer."),
    ];

    private static readonly Dictionary<string, ErrorCodeInfo> ByName = Table.ToDictionary(info => info.Name);

    /// <summary>Every code, in the order of the enum.</summary>
    public static IReadOnlyList<ErrorCodeInfo> All => Table;

    /// <summary>The attributes of a code.</summary>
    public static ErrorCodeInfo Describe(this ErrorCode code) => Table[(int)code];

    /// <summary>The name in the API, in records and in headers.</summary>
    public static string ToWire(this ErrorCode code) => Table[(int)code].Name;

    /// <summary>Reads a name written by <see cref="ToWire"/>.</summary>
    /// <exception cref="FormatException">The name is none of the codes.</exception>
    public static ErrorCode Parse(string name) => ByName.TryGetValue(name, out var info)
        ? info.Code
        : throw new FormatException($"'{name}' is no error code.");
}
