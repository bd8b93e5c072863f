using System.Security.Cryptography;
using System.Text;

namespace FaasCluster.Contracts;

/// <summary>
/// Time-ordered ids (UUID version 7, RFC 9562): the first 48 bits are Unix milliseconds, so that tables partition and
/// index by them.
/// </summary>
public static class Uuid7
{
    /// <summary>Makes a new id at the clock's time.</summary>
    /// <param name="time">The clock; its millisecond becomes the id's first 48 bits.</param>
    public static Guid New(TimeProvider time) => Guid.CreateVersion7(time.GetUtcNow());

    /// <summary>
    /// The id of something of which there is one for each cause and purpose: the same arguments give the same id, so that a
    /// second attempt to make it is seen to be one.
    /// </summary>
    /// <param name="at">The time that the id carries; the same whenever the same thing is named.</param>
    /// <param name="cause">What it follows from.</param>
    /// <param name="purpose">What it is for.</param>
    public static Guid Derive(DateTimeOffset at, Guid cause, string purpose)
    {
        var source = new byte[16 + Encoding.UTF8.GetByteCount(purpose)];
        cause.TryWriteBytes(source, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(purpose, source.AsSpan(16));
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(source, hash);
        Span<byte> bytes = stackalloc byte[16];
        LowerBound(at).TryWriteBytes(bytes, bigEndian: true, out _);
        hash[..10].CopyTo(bytes[6..]);
        bytes[6] = (byte)(0x70 | (bytes[6] & 0x0f));
        bytes[8] = (byte)(0x80 | (bytes[8] & 0x3f));
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>The instant that the id carries, to the millisecond.</summary>
    /// <param name="id">A version 7 UUID; of any other version the answer means nothing.</param>
    public static DateTimeOffset TimeOf(Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        long milliseconds = 0;
        for (var i = 0; i < 6; i++)
        {
            milliseconds = (milliseconds << 8) | bytes[i];
        }

        return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
    }

    /// <summary>The smallest id of the given instant: the lower bound of a range by time.</summary>
    /// <param name="instant">Before 1970 it is the smallest id of all.</param>
    public static Guid LowerBound(DateTimeOffset instant)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        var milliseconds = Math.Max(0, instant.ToUnixTimeMilliseconds());
        for (var i = 5; i >= 0; i--)
        {
            bytes[i] = (byte)milliseconds;
            milliseconds >>= 8;
        }

        return new Guid(bytes, bigEndian: true);
    }
}
