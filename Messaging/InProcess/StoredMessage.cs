using System.Text.Json;
using System.Text.Json.Serialization;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>How an asynchronous invocation stands in the queue's file: everything but the body, which has a column of its own.</summary>
internal static class StoredMessage
{
    public static byte[] Write(InvocationMessage message) =>
        JsonSerializer.SerializeToUtf8Bytes(message with { Body = default }, StoredMessageJson.Default.InvocationMessage);

    /// <summary>Null if it is none: somebody changed the file.</summary>
    public static InvocationMessage? TryRead(ReadOnlySpan<byte> stored, byte[] body)
    {
        try
        {
            return JsonSerializer.Deserialize(stored, StoredMessageJson.Default.InvocationMessage)! with { Body = body };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Names, not numbers, for enums: the file outlives a version.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(InvocationMessage))]
internal sealed partial class StoredMessageJson : JsonSerializerContext;
