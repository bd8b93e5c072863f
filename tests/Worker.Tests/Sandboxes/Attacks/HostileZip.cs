using System.IO.Compression;
using System.Text;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>Packages with whatever names and links, and the program that they wait for.</summary>
internal static class HostileZip
{
    private const int TypeMask = 0xF000;
    private const int Link = 0xA000;
    private const int LinkMode = 0xA1FF;
    private const int ProgramMode = 0x81ED;
    private const int Permissions = 0x1FF;

    public static byte[] Make(IEnumerable<(string Name, string Contents, bool IsLink)> entries)
    {
        using var output = new MemoryStream();
        using (var archive = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, contents, isLink) in entries)
            {
                var entry = archive.CreateEntry(name);
                entry.ExternalAttributes = (isLink ? LinkMode : ProgramMode) << 16;
                using var stream = entry.Open();
                stream.Write(Encoding.UTF8.GetBytes(contents));
            }
        }

        return output.ToArray();
    }

    /// <summary>Unpacks as many programs have done: believes every name, and makes every link.</summary>
    public static IReadOnlyList<FieldError> UnpackTrustingly(ReadOnlyMemory<byte> zip, string directory)
    {
        Directory.CreateDirectory(directory);
        using var archive = new ZipArchive(new MemoryStream(zip.ToArray()));
        foreach (var entry in archive.Entries)
        {
            var path = Path.Combine(directory, entry.FullName);
            var mode = entry.ExternalAttributes >> 16;
            using var contents = new StreamReader(entry.Open());
            if ((mode & TypeMask) == Link)
            {
                File.CreateSymbolicLink(path, contents.ReadToEnd());
            }
            else
            {
                File.WriteAllText(path, contents.ReadToEnd());
                File.SetUnixFileMode(path, (UnixFileMode)(mode & Permissions));
            }
        }

        return [];
    }
}
