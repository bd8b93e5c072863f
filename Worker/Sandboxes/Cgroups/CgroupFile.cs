using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>One control file, kept open: reading a number on the warm path is one pread.</summary>
/// <param name="path">The file.</param>
/// <param name="access">Read, or both if <see cref="Set"/> is used.</param>
internal sealed class CgroupFile(string path, FileAccess access = FileAccess.Read) : IDisposable
{
    private readonly Lock gate = new();
    private SafeFileHandle? handle;
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
            RandomAccess.Write(Open(), value, 0);
        }
    }

    /// <summary>Overwrites the file.</summary>
    public static void Write(string path, string value)
    {
        try
        {
            // The kernel takes the value of one write(2) as a whole, so no buffered writer.
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(value), 0);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path} does not take '{value}': {exception.Message} It holds '{Content(path)}'.", exception);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            closed = true;
            handle?.Dispose();
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
            return buffer[..RandomAccess.Read(Open(), buffer, 0)].TrimEnd((byte)'\n');
        }
    }

    private SafeFileHandle Open()
    {
        ObjectDisposedException.ThrowIf(closed, this);
        return handle ??= File.OpenHandle(path, FileMode.Open, access, FileShare.ReadWrite);
    }

    private static string Show(ReadOnlySpan<byte> text) =>
        Encoding.UTF8.GetString(text[..Math.Min(text.Length, 200)]).Replace('\n', '|');
}
