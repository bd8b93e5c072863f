namespace FaasCluster.Contracts.Invocations;

/// <summary>
/// An HTTP request as it reaches a function, without its body: the body travels beside it as the bytes that were sent.
/// </summary>
public sealed record HttpEvent
{
    /// <summary>Upper case, as sent.</summary>
    public required string Method { get; init; }

    /// <summary>The path below the function's URL, starting with '/', percent-encoded as sent.</summary>
    public required string Path { get; init; }

    /// <summary>The query without '?', as sent; empty if there is none.</summary>
    public string Query { get; init; } = "";

    /// <summary>Header fields in the order received, names in lower case; a name may occur more than once.</summary>
    public required IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; }

    /// <summary>The caller's address.</summary>
    public string SourceIp { get; init; } = "";

    /// <summary>"HTTP/1.1" or "HTTP/2".</summary>
    public string Protocol { get; init; } = "HTTP/1.1";

    /// <summary>"http" or "https", as the caller used it.</summary>
    public string Scheme { get; init; } = "http";

    /// <summary>The Host header: name and port as the caller used them.</summary>
    public string Host { get; init; } = "";

    /// <summary>The prefix under which the function is mounted, for example "/fn/hello"; empty at the root.</summary>
    public string PathBase { get; init; } = "";
}
