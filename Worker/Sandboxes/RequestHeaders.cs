using System.Globalization;
using System.Text.Json;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Writes the headers of the frames that go into a sandbox.</summary>
internal static class RequestHeaders
{
    /// <summary>The invocation as the sandbox knows it.</summary>
    public static string Id(InvocationMessage message) => message.InvocationId.ToString("D", CultureInfo.InvariantCulture);

    public static void WriteLoad(Utf8JsonWriter json, FunctionRevision revision)
    {
        var manifest = revision.Manifest;
        json.WriteStartObject();
        json.WriteString("handler", manifest.Handler);
        json.WriteString("signature", manifest.Signature switch
        {
            HandlerSignature.Event => "event",
            HandlerSignature.Http => "http",
            _ => "auto",
        });
        json.WriteStartObject("env");
        foreach (var (name, value) in FunctionEnvironment.Of(revision))
        {
            json.WriteString(name, value);
        }

        json.WriteEndObject();
        json.WriteString("function", manifest.Name);
        json.WriteString("functionId", revision.FunctionId);
        json.WriteNumber("revision", revision.Revision);
        json.WriteString("account", revision.AccountId);
        json.WriteNumber("memoryMb", manifest.MemoryBytes >> 20);
        json.WriteNumber("timeoutMs", (long)manifest.Timeout.TotalMilliseconds);
        json.WriteEndObject();
    }

    public static void WriteInvoke(Utf8JsonWriter json, InvocationMessage message, TimeSpan timeout, DateTimeOffset deadline, bool isHttp)
    {
        json.WriteStartObject();
        json.WriteString("id", message.InvocationId);
        json.WriteNumber("attempt", message.Attempt);
        json.WriteNumber("deadlineMs", deadline.ToUnixTimeMilliseconds());
        json.WriteNumber("timeoutMs", (long)timeout.TotalMilliseconds);
        if (message.TraceParent is { } trace)
        {
            json.WriteString("traceparent", trace);
        }

        if (message.ContentType is { } contentType)
        {
            json.WriteString("contentType", contentType);
        }

        if (isHttp)
        {
            WriteHttp(json, message.Http ?? EventAsRequest);
        }

        json.WriteEndObject();
    }

    // A call of the API reaches an http function as a POST of the event to "/".
    private static HttpEvent EventAsRequest { get; } = new()
    {
        Method = "POST",
        Path = "/",
        Headers = [KeyValuePair.Create("content-type", "application/json")],
        Host = "localhost",
    };

    private static void WriteHttp(Utf8JsonWriter json, HttpEvent http)
    {
        json.WriteStartObject("http");
        json.WriteString("method", http.Method);
        json.WriteString("path", http.Path);
        json.WriteString("query", http.Query);
        json.WriteStartArray("headers");
        foreach (var (name, value) in http.Headers)
        {
            json.WriteStartArray();
            json.WriteStringValue(name);
            json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteString("sourceIp", http.SourceIp);
        json.WriteString("protocol", http.Protocol);
        json.WriteString("scheme", http.Scheme);
        json.WriteString("host", http.Host);
        json.WriteString("pathBase", http.PathBase);
        json.WriteEndObject();
    }
}
