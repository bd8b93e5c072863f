using System.Buffers;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Gateway.Idempotency;

/// <summary>
/// The key by which a caller names a request: plain, as Stripe takes it, or a quoted string of RFC 8941, as
/// draft-ietf-httpapi-idempotency-key-header writes it.
/// </summary>
internal static class IdempotencyKey
{
    /// <summary>The longest key, in characters.</summary>
    public const int MaximumLength = 255;

    private static readonly SearchValues<char> Visible = SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(c => (char)c)]);

    /// <summary>The key without its quotes; null without one, and for methods that change nothing whatever is repeated.</summary>
    public static string? Read(HttpRequest request, out FieldError? error)
    {
        error = null;
        var values = request.Headers[HeaderNames.IdempotencyKey];
        if (values.Count == 0 || HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return null;
        }

        var key = values.Count == 1 ? Unquote(values[0] ?? "") : "";
        if (key.Length is >= 1 and <= MaximumLength && !key.AsSpan().ContainsAnyExcept(Visible))
        {
            return key;
        }

        error = new(HeaderNames.IdempotencyKey, $"is no key; expected one of 1 to {MaximumLength} visible ASCII characters without spaces, for example a UUID.");
        return null;
    }

    private static string Unquote(string value) => value.Length >= 2 && value[0] == '"' && value[^1] == '"' && !value.AsSpan(1, value.Length - 2).ContainsAny('"', '\\')
        ? value[1..^1]
        : value;
}
