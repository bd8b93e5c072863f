using System.Buffers.Binary;

namespace FaasCluster.Contracts.Packages;

/// <summary>
/// Counts what a zip file's central directory really lists, before anything is allocated for it: the count in the end
/// record may lie, and System.IO.Compression makes an object per entry before it compares.
/// </summary>
internal static class ZipDirectory
{
    private const uint EndSignature = 0x06054b50;
    private const uint EntrySignature = 0x02014b50;
    private const int EndSize = 22;
    private const int EntrySize = 46;

    /// <summary>The number of entries, counted up to one more than <paramref name="limit"/>; null if this is no plain zip file.</summary>
    public static int? CountEntries(ReadOnlySpan<byte> zip, int limit)
    {
        // The end record is followed by a comment of up to 65,535 bytes. The last signature counts, as for System.IO.Compression.
        var first = Math.Max(0, zip.Length - EndSize - ushort.MaxValue);
        Span<byte> signature = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(signature, EndSignature);
        var end = zip[first..].LastIndexOf(signature);
        if (end < 0 || zip.Length - first - end < EndSize)
        {
            return null;
        }

        // An offset of all ones announces zip64, which nothing of 50 MiB needs.
        var offset = BinaryPrimitives.ReadUInt32LittleEndian(zip[(first + end + 16)..]);
        if (offset > zip.Length)
        {
            return null;
        }

        var rest = zip[(int)offset..];
        var count = 0;
        while (count <= limit && rest.Length >= EntrySize && BinaryPrimitives.ReadUInt32LittleEndian(rest) == EntrySignature)
        {
            count++;
            var length = EntrySize
                + BinaryPrimitives.ReadUInt16LittleEndian(rest[28..])
                + BinaryPrimitives.ReadUInt16LittleEndian(rest[30..])
                + BinaryPrimitives.ReadUInt16LittleEndian(rest[32..]);
            if (length > rest.Length)
            {
                break;
            }

            rest = rest[length..];
        }

        return count;
    }
}
