using System.Text;
using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// Reads the error that a runtime posts: <c>errorMessage</c>, <c>errorType</c>, <c>stackTrace</c> (Node.js: <c>trace</c>). Every client
/// fills them in its own way, and a shell script may post anything.
/// </summary>
internal static class RuntimeError
{
    private const int MostFrames = 50;

    /// <summary>Reads it; what is no such document is the message as it is.</summary>
    /// <param name="code">Where it happened.</param>
    /// <param name="body">What was posted.</param>
    /// <param name="typeHeader">Lambda-Runtime-Function-Error-Type; used if the body names no type.</param>
    public static InvocationError Read(ErrorCode code, ReadOnlyMemory<byte> body, string? typeHeader)
    {
        string? type = null, message = null;
        string[] frames = [];
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement is { ValueKind: JsonValueKind.Object } root)
            {
                type = Text(root, "errorType");
                message = Text(root, "errorMessage");
                frames = Frames(root, "stackTrace") ?? Frames(root, "trace") ?? [];
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string that holds half a surrogate pair.
        }

        type = Some(type) ?? Some(typeHeader);
        return new InvocationError
        {
            Code = code,
            Type = type is null ? null : Cut(type),
            Message = Cut(message ?? Encoding.UTF8.GetString(body.Span)),
            StackTrace = [.. frames.TakeLast(MostFrames).Select(Cut)],
        };
    }

    /// <summary>Undoes base64; what is none stays as it is.</summary>
    public static byte[] Decode(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var count) ? bytes[..count] : Encoding.UTF8.GetBytes(text);
    }

    private static string? Some(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out var value)
        ? value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Null => null,
            _ => value.GetRawText(),
        }
        : null;

    private static string[]? Frames(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray().Select(Frame)] : null;

    private static string Frame(JsonElement frame) => frame switch
    {
        { ValueKind: JsonValueKind.String } => frame.GetString()!,

        // As the Go client sends it.
        { ValueKind: JsonValueKind.Object } when frame.TryGetProperty("label", out var label) && frame.TryGetProperty("path", out var path) && frame.TryGetProperty("line", out var line) =>
            $"{label} ({path}:{line})",
        _ => frame.GetRawText(),
    };

    private static string Cut(string text) => text.Length <= Limits.ErrorMessageLength ? text : text[..Limits.ErrorMessageLength];
}
