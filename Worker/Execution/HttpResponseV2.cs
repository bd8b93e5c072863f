using System.Globalization;
using System.Text;
using System.Text.Json;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Reads the answer of a function with the event signature to an HTTP request, by the rules of Lambda function URLs: an object with
/// statusCode says status, headers, cookies and body; anything else is the body of a 200
/// (https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-response-payload).
/// </summary>
internal static class HttpResponseV2
{
    private const string Json = "application/json";

    /// <summary>The answer, or why it is none.</summary>
    /// <param name="payload">What the function returned, as JSON.</param>
    public static (InvocationResult? Result, InvocationError? Error) Read(ReadOnlyMemory<byte> payload)
    {
        try
        {
            using var document = JsonDocument.Parse(payload);
            return document.RootElement switch
            {
                { ValueKind: JsonValueKind.Object } root when root.TryGetProperty("statusCode", out var status) => ReadResponse(root, status),
                { ValueKind: JsonValueKind.String } text => (Whole(Encoding.UTF8.GetBytes(text.GetString()!)), null),
                _ => (Whole(payload), null),
            };
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that holds half a surrogate pair.
            return Invalid($"is not JSON: {exception.Message}");
        }
    }

    private static (InvocationResult?, InvocationError?) ReadResponse(JsonElement root, JsonElement status)
    {
        var text = status.ValueKind == JsonValueKind.String ? status.GetString() : status.GetRawText();
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code) || code is < 100 or > 599)
        {
            return Invalid($"has the statusCode {status.GetRawText()}; expected a number from 100 to 599.");
        }

        var headers = new List<KeyValuePair<string, string>>();
        string? contentType = null;
        if (root.TryGetProperty("headers", out var given) && given.ValueKind == JsonValueKind.Object)
        {
            foreach (var header in given.EnumerateObject())
            {
                var values = header.Value.ValueKind == JsonValueKind.Array ? header.Value.EnumerateArray().ToArray() : [header.Value];
                foreach (var value in values)
                {
                    if (value.ValueKind is JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null)
                    {
                        return Invalid($"has a header '{header.Name}' that is no text.");
                    }

                    if (header.Name.Equals("content-type", StringComparison.OrdinalIgnoreCase))
                    {
                        contentType = Text(value);
                    }
                    else if (!header.Name.Equals("content-length", StringComparison.OrdinalIgnoreCase))
                    {
                        headers.Add(KeyValuePair.Create(header.Name, Text(value)));
                    }
                }
            }
        }

        if (root.TryGetProperty("cookies", out var cookies) && cookies.ValueKind == JsonValueKind.Array)
        {
            headers.AddRange(cookies.EnumerateArray().Select(cookie => KeyValuePair.Create("Set-Cookie", Text(cookie))));
        }

        return ReadBody(root) is { } body
            ? (new InvocationResult { HttpStatus = code, Headers = headers, ContentType = contentType ?? Json, Body = body }, null)
            : Invalid("has a body that is not base64 although isBase64Encoded is true.");
    }

    private static byte[]? ReadBody(JsonElement root)
    {
        if (!root.TryGetProperty("body", out var body) || body.ValueKind == JsonValueKind.Null)
        {
            return [];
        }

        if (root.TryGetProperty("isBase64Encoded", out var encoded) && encoded.ValueKind == JsonValueKind.True)
        {
            return body.ValueKind == JsonValueKind.String && body.TryGetBytesFromBase64(out var bytes) ? bytes : null;
        }

        return Encoding.UTF8.GetBytes(Text(body));
    }

    private static string Text(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static InvocationResult Whole(ReadOnlyMemory<byte> body) => new() { HttpStatus = 200, ContentType = Json, Body = body };

    private static (InvocationResult?, InvocationError?) Invalid(string problem) =>
        (null, new InvocationError { Code = ErrorCode.InvalidResponse, Message = $"The function's answer {problem}" });
}
