using System.Text.Json;
using System.Text.Json.Serialization;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.InProcess;

/// <summary>How an asynchronous invocation stands in the queue's file: everything but the body, which has a column of its own.</summary>
internal static class StoredMessage
{
    public static byte[] Write(InvocationMessage message) =>
        JsonSerializer.SerializeToUtf8Bytes(message with { Body = default }, StoredMessageJson.Default.InvocationMessage);

    public static InvocationMessage Read(ReadOnlySpan<byte> stored, byte[] body) =>
        JsonSerializer.Deserialize(stored, StoredMessageJson.Default.InvocationMessage)! with { Body = body };
}

/// <summary>Names, not numbers, for enums: the file outlives a version.</summary>
[JsonSourceGenerationOptions(UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(InvocationMessage))]
internal sealed partial class StoredMessageJson : JsonSerializerContext;
