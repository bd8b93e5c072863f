using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Makes the event of an HTTP request for functions with the event signature: API Gateway's HTTP payload format 2.0 as Lambda
/// function URLs send it
/// (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads).
/// </summary>
internal static class HttpEventV2
{
    private static readonly string[] TextTypes = ["application/json", "application/xml", "application/javascript", "application/graphql", "application/x-ndjson"];

    /// <summary>The event as JSON.</summary>
    /// <param name="message">An invocation with <see cref="InvocationMessage.Http"/>.</param>
    /// <param name="revision">The function.</param>
    /// <param name="now">The time of the request.</param>
    public static ReadOnlyMemory<byte> Build(InvocationMessage message, FunctionRevision revision, DateTimeOffset now)
    {
        var http = message.Http!;
        var output = new ArrayBufferWriter<byte>(1024 + message.Body.Length);
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("version", "2.0");
        json.WriteString("routeKey", "$default");
        json.WriteString("rawPath", http.Path);
        json.WriteString("rawQueryString", http.Query);
        WriteCookies(json, http);
        WriteHeaders(json, http);
        WriteQuery(json, http.Query);
        WriteContext(json, message, http, revision, now);
        WriteBody(json, message);
        json.WriteEndObject();
        json.Flush();
        return output.WrittenMemory;
    }

    private static void WriteCookies(Utf8JsonWriter json, HttpEvent http)
    {
        var cookies = http.Headers
            .Where(header => header.Key == "cookie")
            .SelectMany(header => header.Value.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .ToList();
        if (cookies.Count > 0)
        {
            json.WriteStartArray("cookies");
            cookies.ForEach(json.WriteStringValue);
            json.WriteEndArray();
        }
    }

    private static void WriteHeaders(Utf8JsonWriter json, HttpEvent http)
    {
        json.WriteStartObject("headers");
        foreach (var group in http.Headers.Where(header => header.Key != "cookie").GroupBy(header => header.Key))
        {
            json.WriteString(group.Key, string.Join(',', group.Select(header => header.Value)));
        }

        json.WriteEndObject();
    }

    private static void WriteQuery(Utf8JsonWriter json, string query)
    {
        if (query.Length == 0)
        {
            return;
        }

        json.WriteStartObject("queryStringParameters");
        var pairs = query.Split('&', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=', 2));
        foreach (var group in pairs.GroupBy(pair => Decode(pair[0]), pair => pair.Length == 2 ? Decode(pair[1]) : ""))
        {
            json.WriteString(group.Key, string.Join(',', group));
        }

        json.WriteEndObject();
    }

    private static void WriteContext(Utf8JsonWriter json, InvocationMessage message, HttpEvent http, FunctionRevision revision, DateTimeOffset now)
    {
        json.WriteStartObject("requestContext");
        json.WriteString("accountId", "anonymous");
        json.WriteString("apiId", revision.FunctionId);
        json.WriteString("domainName", http.Host);
        json.WriteString("domainPrefix", revision.Manifest.Name);
        json.WriteStartObject("http");
        json.WriteString("method", http.Method);
        json.WriteString("path", http.Path);
        json.WriteString("protocol", http.Protocol);
        json.WriteString("sourceIp", http.SourceIp);
        json.WriteString("userAgent", http.Headers.FirstOrDefault(header => header.Key == "user-agent").Value ?? "");
        json.WriteEndObject();
        json.WriteString("requestId", message.InvocationId);
        json.WriteString("routeKey", "$default");
        json.WriteString("stage", "$default");
        json.WriteString("time", now.UtcDateTime.ToString("dd/MMM/yyyy:HH:mm:ss '+0000'", CultureInfo.InvariantCulture));
        json.WriteNumber("timeEpoch", now.ToUnixTimeMilliseconds());
        json.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter json, InvocationMessage message)
    {
        if (message.Body.IsEmpty)
        {
            json.WriteBoolean("isBase64Encoded", false);
            return;
        }

        var isText = IsText(message.ContentType) && Utf8.IsValid(message.Body.Span);
        if (isText)
        {
            json.WriteString("body", message.Body.Span);
        }
        else
        {
            json.WriteBase64String("body", message.Body.Span);
        }

        json.WriteBoolean("isBase64Encoded", !isText);
    }

    private static bool IsText(string? contentType)
    {
        var type = (contentType ?? "").Split(';')[0].Trim().ToLowerInvariant();
        return type.StartsWith("text/", StringComparison.Ordinal)
            || type.EndsWith("+json", StringComparison.Ordinal)
            || type.EndsWith("+xml", StringComparison.Ordinal)
            || TextTypes.Contains(type);
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text.Replace('+', ' '));
}
