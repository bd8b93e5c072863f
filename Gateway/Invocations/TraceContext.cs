using System.Diagnostics;

namespace FaasCluster.Gateway.Invocations;

/// <summary>The W3C trace context of a request.</summary>
internal static class TraceContext
{
    /// <summary>
    /// That of the activity of the request, which continues the caller's trace. Where nobody made one: the caller's as it is, or a
    /// new one, so that every invocation can be found by its trace.
    /// </summary>
    public static string Of(HttpContext context)
    {
        if (Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id })
        {
            return id;
        }

        string? given = context.Request.Headers.TraceParent;
        return given is not null && ActivityContext.TryParse(given, null, out _)
            ? given
            : $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00";
    }

    /// <summary>The trace's id, 32 hex digits; null for what is no trace context.</summary>
    public static string? TraceIdOf(string? traceParent) =>
        traceParent is { Length: >= 55 } ? traceParent.Substring(3, 32) : null;
}
