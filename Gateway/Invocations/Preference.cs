namespace FaasCluster.Gateway.Invocations;

/// <summary>The Prefer header (RFC 7240).</summary>
internal static class Preference
{
    public const string RespondAsync = "respond-async";

    /// <summary>Whether the caller asks for a 202 rather than for the result.</summary>
    public static bool IsAsynchronous(IHeaderDictionary headers)
    {
        foreach (var value in headers["Prefer"])
        {
            foreach (var part in value.AsSpan().Split(','))
            {
                var preference = value.AsSpan()[part];
                var end = preference.IndexOfAny(';', '=');
                if ((end < 0 ? preference : preference[..end]).Trim().Equals(RespondAsync, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
