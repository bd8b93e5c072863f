using System.Globalization;
using System.Text;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>
/// One control file, kept open: reading a number on the warm path is one pread. By system calls, since .NET's own files cost three times
/// as many, and some of these stand on the path of every start.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="isSettable">Whether <see cref="Set"/> is used.</param>
internal sealed class CgroupFile(string path, bool isSettable = false) : IDisposable
{
    private readonly Lock gate = new();
    private Descriptor? file;
    private bool closed;

    /// <summary>The number that is all of the file.</summary>
    public long ReadNumber()
    {
        Span<byte> buffer = stackalloc byte[64];
        var text = Read(buffer);
        return long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new IOException($"{path} holds '{Show(text)}'; expected a number.");
    }

    /// <summary>The number behind a key, in a file of lines "key number"; null if there is no such key.</summary>
    public long? ReadNumber(ReadOnlySpan<byte> key)
    {
        Span<byte> buffer = stackalloc byte[4096];
        var text = Read(buffer);
        for (var rest = (ReadOnlySpan<byte>)text; rest.Length > 0;)
        {
            var end = rest.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? [] : rest[(end + 1)..];
            if (line.StartsWith(key) && line.Length > key.Length && line[key.Length] == ' ')
            {
                return long.TryParse(line[(key.Length + 1)..], NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)
                    ? number
                    : throw new IOException($"{path} holds '{Show(line)}'; expected '{Encoding.ASCII.GetString(key)}' and a number.");
            }
        }

        return null;
    }

    /// <summary>Writes through the open file.</summary>
    public void Set(ReadOnlySpan<byte> value)
    {
        lock (gate)
        {
            Open().WriteAt(value, 0);
        }
    }

    /// <summary>Overwrites the file.</summary>
    public static void Write(string path, string value)
    {
        try
        {
            // The kernel takes the value of one write as a whole, so no buffered writer.
            using var file = Descriptor.Open(path, Libc.O_WRONLY);
            file.WriteAt(Encoding.ASCII.GetBytes(value), 0);
        }
        catch (IOException exception)
        {
            throw new IOException($"{path} does not take '{value}': {exception.Message} It holds '{Content(path)}'.", exception);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            closed = true;
            file?.Dispose();
        }
    }

    private static string Content(string path)
    {
        try
        {
            return Show(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "?";
        }
    }

    private ReadOnlySpan<byte> Read(Span<byte> buffer)
    {
        lock (gate)
        {
            return buffer[..Open().ReadAt(buffer, 0)].TrimEnd((byte)'\n');
        }
    }

    private Descriptor Open()
    {
        ObjectDisposedException.ThrowIf(closed, this);
        return file ??= Descriptor.Open(path, isSettable ? Libc.O_RDWR : Libc.O_RDONLY);
    }

    private static string Show(ReadOnlySpan<byte> text) =>
        Encoding.UTF8.GetString(text[..Math.Min(text.Length, 200)]).Replace('\n', '|');
}
