namespace FaasCluster.Contracts.Functions;

/// <summary>How a handler takes its event.</summary>
public enum HandlerSignature
{
    /// <summary>The runtime decides: Python by the number of required positional parameters (one: http, two: event), others event.</summary>
    Auto,

    /// <summary>Lambda style: <c>handler(event, context)</c>.</summary>
    Event,

    /// <summary>HTTP style: <c>f(request)</c>, <c>(req, res)</c>.</summary>
    Http,
}

/// <summary>Where a function may connect to.</summary>
public enum NetworkPolicy
{
    /// <summary>Nowhere but its own loopback.</summary>
    None,

    /// <summary>Out, but not to the platform, the host or private ranges.</summary>
    Egress,
}

/// <summary>Who may call the function's URL.</summary>
public enum UrlAuth
{
    /// <summary>Whoever has a key of the account.</summary>
    Key,

    /// <summary>Anyone.</summary>
    None,
}

/// <summary>Which events of ended asynchronous invocations are kept, for re-drive and replay.</summary>
public enum EventKeeping
{
    /// <summary>Those of failures, and those of successes up to <see cref="Limits.KeptEventBytes"/>.</summary>
    All,

    /// <summary>Those of failures only.</summary>
    Failures,
}

/// <summary>What a function.yaml says, with every default filled in. Immutable once deployed.</summary>
public sealed record FunctionManifest
{
    /// <summary>Unique in the account: 1 to 64 of a-z, 0-9 and '-', starting with a letter, ending with a letter or digit.</summary>
    public required string Name { get; init; }

    /// <summary>One of <see cref="RuntimeIds"/>.</summary>
    public required string Runtime { get; init; }

    /// <summary>What is called: "module.function" (python3, nodejs), a file of the package (executable), or anything (provided: _HANDLER).</summary>
    public required string Handler { get; init; }

    /// <summary>How the handler takes its event, default auto.</summary>
    public HandlerSignature Signature { get; init; } = HandlerSignature.Auto;

    /// <summary>Memory of one sandbox in bytes, 64 MB to 10,240 MB, default 256 MB (1 MB = 2^20 bytes). CPU grows with it.</summary>
    public long MemoryBytes { get; init; } = 256L << 20;

    /// <summary>The longest run of one attempt, 1 ms to 900 s, default 30 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest load of the code, 1 ms to 300 s, default 10 s.</summary>
    public TimeSpan InitTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a synchronous call may wait for its start, 1 s to 300 s, default 30 s.</summary>
    public TimeSpan WaitTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an idle sandbox is kept, 0 to 24 h; null for the worker's default of 5 min.</summary>
    public TimeSpan? KeepAlive { get; init; }

    /// <summary>Most invocations that run at once in the whole cluster, 1 to 10,000; null for no limit, which is the default.</summary>
    public int? Concurrency { get; init; }

    /// <summary>
    /// Sandboxes of the current revision that are kept loaded in the whole cluster even if nothing is called, 0 to 1,000, default 0;
    /// not more than <see cref="Concurrency"/>.
    /// </summary>
    public int MinInstances { get; init; }

    /// <summary>
    /// Most asynchronous invocations that wait in the function's queue before further ones are refused, 1 to 1,000,000; null for
    /// no limit but the broker's, which is the default.
    /// </summary>
    public int? QueueLimit { get; init; }

    /// <summary>Where it may connect to, default egress; none for wasm, which has no sockets.</summary>
    public NetworkPolicy Network { get; init; } = NetworkPolicy.Egress;

    /// <summary>True if the manifest asks for egress in so many words: it is not run then on a worker that cannot give it.</summary>
    public bool NetworkIsRequired { get; init; }

    /// <summary>Who may call the function's URL, default key.</summary>
    public UrlAuth UrlAuth { get; init; } = UrlAuth.Key;

    /// <summary>Environment variables: at most 4 kB together; names [A-Za-z_][A-Za-z0-9_]*, not starting with FAAS_ or AWS_LAMBDA_.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>How asynchronous invocations are retried.</summary>
    public RetryPolicy Retries { get; init; } = new();

    /// <summary>Which events are kept when asynchronous invocations end, default all.</summary>
    public EventKeeping KeepEvents { get; init; } = EventKeeping.All;

    /// <summary>Where the record of an asynchronous invocation goes that succeeded; null for nowhere.</summary>
    public Destination? OnSuccess { get; init; }

    /// <summary>Where the record of an asynchronous invocation goes that failed, expired or was lost; null for nowhere.</summary>
    public Destination? OnFailure { get; init; }
}
