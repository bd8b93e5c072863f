using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace FaasCluster.Contracts.Tests.Packages;

/// <summary>Makes zip files, honest ones and others.</summary>
internal static class Zip
{
    public const int Link = 0xA1FF;
    public const int CharacterDevice = 0x21B6;
    public const int File = 0x81A4;
    public const int Program = 0x81ED;
    public const int SetUidProgram = 0x8FFF;

    public static byte[] Of(params string[] names) => Of(names.Select(name => (name, Encoding.UTF8.GetBytes(name.EndsWith('/') ? "" : "text"), 0)));

    public static byte[] Of(string name, byte[] content, int mode = 0) => Of([(name, content, mode)]);

    public static byte[] Of(IEnumerable<(string Name, byte[] Content, int Mode)> entries)
    {
        using var output = new MemoryStream();
        using (var archive = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true, Encoding.UTF8))
        {
            foreach (var (name, content, mode) in entries)
            {
                var entry = archive.CreateEntry(name, CompressionLevel.Fastest);
                entry.ExternalAttributes = mode << 16;
                using var stream = entry.Open();
                stream.Write(content);
            }
        }

        return output.ToArray();
    }

    /// <summary>Overwrites a field of the first entry of the central directory.</summary>
    public static byte[] PatchDirectory(byte[] zip, int offset, uint value)
    {
        var start = zip.AsSpan().IndexOf("PK\x01\x02"u8);
        BinaryPrimitives.WriteUInt32LittleEndian(zip.AsSpan(start + offset), value);
        return zip;
    }

    /// <summary>A file whose end record tells one entry, and whose directory repeats it a million times.</summary>
    public static byte[] MillionEntries()
    {
        var zip = Of("a");
        var start = zip.AsSpan().IndexOf("PK\x01\x02"u8);
        var end = zip.AsSpan().IndexOf("PK\x05\x06"u8);
        using var output = new MemoryStream();
        output.Write(zip, 0, start);
        for (var i = 0; i < 1_000_000; i++)
        {
            output.Write(zip, start, end - start);
        }

        output.Write(zip, end, zip.Length - end);
        return output.ToArray();
    }
}
