using System.Buffers;
using System.Globalization;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Parameters;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Checks the status and the header fields that a function chose, before any of them reaches the connection.</summary>
internal static class ResultHeaders
{
    /// <summary>The most characters of names and values together.</summary>
    public const int MaximumSize = 64 << 10;

    /// <summary>The most fields.</summary>
    public const int MaximumCount = 500;

    private const string PlatformPrefix = "Faas-";

    // RFC 9110, 5.6.2: token.
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Why the answer cannot be sent; null if it can.</summary>
    /// <param name="result">What the function answered.</param>
    /// <param name="isHead">Whether only the head will be sent, so that a Content-Length may speak of a body that is not there.</param>
    public static string? Refuse(InvocationResult result, bool isHead)
    {
        if (result.HttpStatus is { } status && status is < 200 or > 599)
        {
            return $"The status is {status}; expected 200 to 599.";
        }

        if (!IsValue(result.ContentType))
        {
            return $"The content type '{Shown.Text(result.ContentType)}' is no header value; expected visible characters without line ends.";
        }

        if (result.Headers.Count > MaximumCount)
        {
            return $"There are {result.Headers.Count} header fields; at most {MaximumCount} are passed on.";
        }

        var size = 0;
        foreach (var (name, value) in result.Headers)
        {
            size += name.Length + value.Length;
            if (size > MaximumSize)
            {
                return $"The header fields have more than {MaximumSize} characters, which is the limit.";
            }

            if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(TokenCharacters))
            {
                return $"'{Shown.Text(name)}' is no name of a header field; expected letters, digits and '-'.";
            }

            if (!IsValue(value))
            {
                return $"The value of {Shown.Text(name)} holds a line end, a NUL or another character that a header field cannot hold.";
            }

            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase) && !isHead && IsWrongLength(value, result.Body.Length))
            {
                return $"The Content-Length is {Shown.Text(value)}, but the body has {result.Body.Length} bytes; leave it out, it is set for you.";
            }
        }

        return null;
    }

    /// <summary>Whether a field of the function is passed on.</summary>
    public static bool IsPassedOn(string name, string? connection) =>
        !HopByHop.Contains(name)
        && !name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)
        && !name.StartsWith(PlatformPrefix, StringComparison.OrdinalIgnoreCase)
        && (connection is null || !HopByHop.IsNamedBy(connection.AsSpan(), name));

    // Visible ASCII, space, tab, and the upper half of Latin-1 (obs-text), which is also how it is encoded.
    private static bool IsValue(string value)
    {
        foreach (var c in value)
        {
            if (c is (< ' ' and not '\t') or '\x7F' or > '\xFF')
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsWrongLength(string value, int length) =>
        !long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var declared) || declared != length;
}
