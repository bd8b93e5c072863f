using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>An HTTP request without its body. One-letter names: it travels with every call.</summary>
internal sealed record HttpDocument
{
    [JsonPropertyName("m")]
    public required string Method { get; init; }

    [JsonPropertyName("p")]
    public required string Path { get; init; }

    [JsonPropertyName("q")]
    public string? Query { get; init; }

    /// <summary>Name, value, name, value.</summary>
    [JsonPropertyName("h")]
    public required string[] Headers { get; init; }

    [JsonPropertyName("a")]
    public string? SourceIp { get; init; }

    [JsonPropertyName("v")]
    public string? Protocol { get; init; }

    [JsonPropertyName("s")]
    public string? Scheme { get; init; }

    [JsonPropertyName("o")]
    public string? Host { get; init; }

    [JsonPropertyName("b")]
    public string? PathBase { get; init; }
}

/// <summary>What an answer says beside its body.</summary>
internal sealed record ReplyDocument
{
    [JsonPropertyName("s")]
    public int? Status { get; init; }

    /// <summary>Name, value, name, value.</summary>
    [JsonPropertyName("h")]
    public string[]? Headers { get; init; }

    /// <summary>The result's content type; null if there is no result.</summary>
    [JsonPropertyName("t")]
    public string? ContentType { get; init; }

    [JsonPropertyName("e")]
    public ErrorDocument? Error { get; init; }

    /// <summary>Queue, start, init and run, in units of 100 ns.</summary>
    [JsonPropertyName("d")]
    public required long[] Durations { get; init; }

    [JsonPropertyName("c")]
    public bool ColdStart { get; init; }

    [JsonPropertyName("b")]
    public long Billed { get; init; }

    [JsonPropertyName("u")]
    public bool Unrecorded { get; init; }
}

/// <summary>Why an attempt did not end well.</summary>
internal sealed record ErrorDocument
{
    [JsonPropertyName("c")]
    public required string Code { get; init; }

    [JsonPropertyName("t")]
    public string? Type { get; init; }

    [JsonPropertyName("m")]
    public required string Message { get; init; }

    [JsonPropertyName("s")]
    public string[]? Stack { get; init; }
}

[JsonSerializable(typeof(HttpDocument))]
[JsonSerializable(typeof(ReplyDocument))]
internal sealed partial class WireJson : JsonSerializerContext
{
    /// <summary>Nothing here is ever put into HTML: escaping would only make it longer.</summary>
    public static WireJson Compact { get; } = new(new JsonSerializerOptions
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
