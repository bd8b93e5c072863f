using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>
/// What a program says about a further attempt: by its exit status, in the meaning of sysexits.h, and, where it is
/// <see cref="TemporaryFailure"/>, by its last line on standard error.
/// </summary>
internal static class ExitAdvice
{
    /// <summary>EX_DATAERR: the event is wrong, so it would fail again.</summary>
    public const int WrongData = 65;

    /// <summary>EX_TEMPFAIL: try again, after as many seconds as a last line <c>Faas-Retry-After: N</c> says, if there is one.</summary>
    public const int TemporaryFailure = 75;

    private const string Prefix = HeaderNames.RetryAfter + ":";

    /// <summary>The advice; null if there is none: then the policy's backoff holds.</summary>
    public static RetryAdvice? Read(ProcessExit exit, string? lastLine) => exit.Status switch
    {
        WrongData => RetryAdvice.Never,
        TemporaryFailure when lastLine is not null
            && lastLine.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) => RetryAdvice.Read(lastLine.AsSpan(Prefix.Length)),
        _ => null,
    };
}
