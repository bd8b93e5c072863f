using System.Collections.Concurrent;
using System.Net;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Accounts;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Makes the event of an HTTP request to a function's URL.</summary>
internal static class HttpEvents
{
    private const string Prefix = "/fn/";
    private const int KnownCapacity = 1000;

    // Names repeat: one lower-case string for each of those that are in use.
    private static readonly ConcurrentDictionary<string, string> LowerCase = new(StringComparer.Ordinal);

    public static HttpEvent Make(HttpContext context, string functionName)
    {
        var request = context.Request;
        var query = request.QueryString.Value;
        return new HttpEvent
        {
            Method = request.Method,
            Path = PathBelow(context, functionName),
            Query = query is { Length: > 1 } ? query[1..] : "",
            Headers = Headers(context),
            SourceIp = Address(context.Connection.RemoteIpAddress),
            Protocol = request.Protocol,
            Scheme = request.Scheme,
            Host = request.Host.Value ?? "",
            PathBase = Prefix + functionName,
        };
    }

    /// <summary>The path below the function, encoded as it was sent.</summary>
    internal static string PathBelow(HttpContext context, string functionName)
    {
        var raw = context.Features.Get<IHttpRequestFeature>()?.RawTarget ?? "";
        var end = raw.IndexOf('?');
        var path = end < 0 ? raw : raw[..end];
        var plain = Prefix + functionName;

        // As sent, if what was sent is what was routed by: no absolute form, no dot segments, no encoded name.
        if (path.StartsWith(plain, StringComparison.Ordinal)
            && !path.Contains("/.", StringComparison.Ordinal)
            && !path.Contains("%2E", StringComparison.OrdinalIgnoreCase)
            && (path.Length == plain.Length || path[plain.Length] == '/'))
        {
            return path.Length == plain.Length ? "/" : path[plain.Length..];
        }

        var routed = context.Request.Path.Value ?? "";
        return routed.Length <= plain.Length ? "/" : new PathString(routed[plain.Length..]).ToUriComponent();
    }

    private static List<KeyValuePair<string, string>> Headers(HttpContext context)
    {
        var headers = context.Request.Headers;
        var connection = headers.Connection;
        var credential = CredentialHeader(context);
        var copied = new List<KeyValuePair<string, string>>(headers.Count);
        foreach (var (name, values) in headers)
        {
            if (HopByHop.Contains(name) || name.StartsWith(':') || name.Equals(credential, StringComparison.OrdinalIgnoreCase)
                || (connection.Count > 0 && HopByHop.IsNamedBy(connection, name)))
            {
                continue;
            }

            Add(copied, Lower(name), values);
        }

        return copied;
    }

    // A key of the platform never reaches a function, whoever may call it; credentials that are no such key are the function's own.
    private static string? CredentialHeader(HttpContext context) =>
        context.FindAccountId() is not null && ApiKey.TryRead(context.Request.Headers, out _, out var header) ? header : null;

    private static void Add(List<KeyValuePair<string, string>> copied, string name, StringValues values)
    {
        foreach (var value in values)
        {
            copied.Add(new(name, value ?? ""));
        }
    }

    private static string Lower(string name)
    {
        if (LowerCase.TryGetValue(name, out var lower))
        {
            return lower;
        }

        lower = name.ToLowerInvariant();
        if (LowerCase.Count < KnownCapacity)
        {
            LowerCase[name] = lower;
        }

        return lower;
    }

    private static string Address(IPAddress? address) =>
        address is null ? "" : (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
}
