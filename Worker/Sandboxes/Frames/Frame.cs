using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace FaasCluster.Worker.Sandboxes.Frames;

/// <summary>One frame that came out of a sandbox.</summary>
/// <param name="Type">What it says.</param>
/// <param name="Header">JSON, possibly empty.</param>
/// <param name="Body">Bytes; valid until the next receive unless <paramref name="IsOwned"/>.</param>
/// <param name="IsOwned">Whether the memory is this frame's alone.</param>
internal readonly record struct Frame(FrameType Type, ReadOnlyMemory<byte> Header, ReadOnlyMemory<byte> Body, bool IsOwned)
{
    /// <summary>The body in memory that stays.</summary>
    public ReadOnlyMemory<byte> OwnBody() => IsOwned ? Body : Body.ToArray();

    /// <summary>Reads the header.</summary>
    /// <exception cref="FrameException">It is not what was expected.</exception>
    public T ReadHeader<T>(JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Header.Span, type) ?? throw new FrameException($"The header of a {Type} frame is null.");
        }
        catch (JsonException exception)
        {
            throw new FrameException($"The header of a {Type} frame is not what was expected: {exception.Message}");
        }
    }
}
