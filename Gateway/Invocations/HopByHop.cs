using System.Collections.Frozen;
using Microsoft.Extensions.Primitives;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Header fields that concern one connection only (RFC 9110, 7.6.1) and are never passed on.</summary>
internal static class HopByHop
{
    private static readonly FrozenSet<string> Names = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "HTTP2-Settings",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static bool Contains(string name) => Names.Contains(name);

    /// <summary>Whether a Connection header names the field as one of the connection.</summary>
    public static bool IsNamedBy(StringValues connection, string name)
    {
        foreach (var value in connection)
        {
            if (IsNamedBy(value, name))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the value of a Connection header names the field.</summary>
    public static bool IsNamedBy(ReadOnlySpan<char> connection, string name)
    {
        foreach (var part in connection.Split(','))
        {
            if (connection[part].Trim().Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
