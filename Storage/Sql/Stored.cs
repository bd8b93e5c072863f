using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FaasCluster.Storage.Sql;

/// <summary>How values look in the store, the same in both dialects.</summary>
internal static class Stored
{
    /// <summary>Documents in text columns: manifests, headers, messages of the outbox.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>UTC in whole microseconds, which is what PostgreSQL keeps.</summary>
    public static DateTimeOffset Time(DateTimeOffset time)
    {
        var ticks = time.UtcTicks;
        return new DateTimeOffset(ticks - (ticks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
    }

    /// <summary>Whole microseconds; never negative, whatever a clock did.</summary>
    public static long Microseconds(TimeSpan span) => Math.Max(0, span.Ticks / TimeSpan.TicksPerMicrosecond);

    public static TimeSpan FromMicroseconds(long microseconds) => new(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>Text that both databases take: NUL and halves of surrogate pairs become U+FFFD.</summary>
    public static string Text(string text)
    {
        if (!text.Contains('\0') && !text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            clean.Append(rune.Value == 0 ? Rune.ReplacementChar.ToString() : rune.ToString());
        }

        return clean.ToString();
    }

    /// <summary><see cref="Text(string)"/> of at most so many characters; a surrogate pair is not cut in two.</summary>
    public static string Text(string text, int limit)
    {
        if (text.Length > limit)
        {
            text = text[..(char.IsHighSurrogate(text[limit - 1]) ? limit - 1 : limit)];
        }

        return Text(text);
    }

    /// <summary>The bytes as an array, without a copy where the memory is a whole array already.</summary>
    public static byte[] Bytes(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Array is { } array && array.Length == segment.Count
            ? array
            : bytes.ToArray();
}
