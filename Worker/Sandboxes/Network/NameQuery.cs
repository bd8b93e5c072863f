using System.Buffers.Binary;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>A question to a name server (RFC 1035, section 4), as far as the worker must understand it, and answers that it gives itself.</summary>
internal static class NameQuery
{
    /// <summary>Length of the header.</summary>
    public const int HeaderLength = 12;

    /// <summary>Type AAAA: an address of IPv6.</summary>
    public const int AddressOfIpv6 = 28;

    /// <summary>Response code: no error.</summary>
    public const int NoError = 0;

    /// <summary>Response code: the server failed.</summary>
    public const int ServerFailure = 2;

    /// <summary>Response code: there is no such name.</summary>
    public const int NoSuchName = 3;

    private const ushort IsResponse = 0x8000;
    private const ushort RecursionAvailable = 0x0080;

    // Operation code and RecursionDesired: what a response repeats.
    private const ushort Repeated = 0x7900;
    private const int MostNameLength = 255;

    /// <summary>Reads the one question: its type, whether its name is within "localhost", and where it ends. Null if it is none.</summary>
    public static (int Type, bool IsLocal, int End)? Read(ReadOnlySpan<byte> query)
    {
        if (query.Length < HeaderLength || (query[2] & 0x80) != 0 || BinaryPrimitives.ReadUInt16BigEndian(query[4..]) != 1)
        {
            return null;
        }

        var isLocal = false;
        var at = HeaderLength;
        while (at < query.Length && query[at] != 0)
        {
            var length = query[at];

            // 63 is the longest label; larger values are pointers, which no question needs.
            if (length > 63 || at + 1 + length >= query.Length || at - HeaderLength > MostNameLength)
            {
                return null;
            }

            isLocal = System.Text.Ascii.EqualsIgnoreCase(query.Slice(at + 1, length), "localhost"u8);
            at += 1 + length;
        }

        return at + 5 > query.Length ? null : (BinaryPrimitives.ReadUInt16BigEndian(query[(at + 1)..]), isLocal, at + 5);
    }

    /// <summary>An answer without records.</summary>
    /// <param name="query">The query.</param>
    /// <param name="end">The end of its question.</param>
    /// <param name="code">The response code.</param>
    public static byte[] Answer(ReadOnlySpan<byte> query, int end, int code)
    {
        var answer = query[..end].ToArray();
        var flags = BinaryPrimitives.ReadUInt16BigEndian(query[2..]);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(2), (ushort)((flags & Repeated) | IsResponse | RecursionAvailable | code));
        answer.AsSpan(6, 6).Clear();
        return answer;
    }
}
