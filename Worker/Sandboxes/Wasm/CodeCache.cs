using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FaasCluster.Contracts;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// Compiled modules on disk, for all workers of this host and beyond their lives. It is machine code that runs in the worker, so the
/// directory is the worker's user's alone, no sandbox sees it, and every file carries a code of authentication over its key and its
/// contents, under a secret of the directory: what was cut, exchanged or copied here from elsewhere is not loaded.
/// </summary>
internal sealed class CodeCache
{
    private const UnixFileMode OwnDirectory = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OwnFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Lock gate = new();
    private readonly string directory;
    private readonly long maximumBytes;
    private readonly TimeProvider time;
    private readonly byte[] secret;
    private readonly string engine;

    /// <param name="directory">Is made if it does not exist.</param>
    /// <param name="maximumBytes">The files used longest ago are removed beyond this.</param>
    /// <param name="time">The clock.</param>
    public CodeCache(string directory, long maximumBytes, TimeProvider time)
    {
        this.time = time;
        this.directory = directory;
        this.maximumBytes = maximumBytes;
        Directory.CreateDirectory(directory, OwnDirectory);
        File.SetUnixFileMode(directory, OwnDirectory);
        secret = GetSecret();

        // Wasmtime itself refuses the code of other versions, hosts and settings; in the key so that these do not replace one another.
        var library = new FileInfo(Native.Wasmtime.LibraryPath);
        engine = string.Create(CultureInfo.InvariantCulture, $"{library.Length} {library.LastWriteTimeUtc.Ticks} {string.Join(' ', WasmSettings.Arguments)}");
    }

    /// <summary>The code of a module; null if it is not there or not as it was written.</summary>
    public byte[]? Find(string packageSha256, string handler)
    {
        var key = Key(packageSha256, handler);
        var path = Path.Combine(directory, key);
        try
        {
            var bytes = File.ReadAllBytes(path);
            if (bytes.Length > HMACSHA256.HashSizeInBytes
                && CryptographicOperations.FixedTimeEquals(bytes.AsSpan(0, HMACSHA256.HashSizeInBytes), Sign(key, bytes.AsSpan(HMACSHA256.HashSizeInBytes))))
            {
                // For whoever looks for the one used longest ago.
                File.SetLastWriteTimeUtc(path, time.GetUtcNow().UtcDateTime);
                return bytes[HMACSHA256.HashSizeInBytes..];
            }

            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Not there, or no longer.
        }

        return null;
    }

    /// <summary>Keeps the code of a module. If it cannot be kept it is compiled again one day.</summary>
    public void Put(string packageSha256, string handler, ReadOnlySpan<byte> code)
    {
        var key = Key(packageSha256, handler);
        try
        {
            Write(Path.Combine(directory, key), Sign(key, code), code, overwrite: true);
            File.SetLastWriteTimeUtc(Path.Combine(directory, key), time.GetUtcNow().UtcDateTime);
            Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A full disk, for example.
        }
    }

    // Moved into its place when it is whole.
    private void Write(string path, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest, bool overwrite)
    {
        var temporary = $"{path}.{Uuid7.New(time):N}";
        try
        {
            using (var file = new FileStream(temporary, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnFile }))
            {
                file.Write(head);
                file.Write(rest);
            }

            File.Move(temporary, path, overwrite);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    private void Trim()
    {
        lock (gate)
        {
            var files = new DirectoryInfo(directory).GetFiles().Where(file => file.Name.Length >= 64).OrderByDescending(file => file.LastWriteTimeUtc).ToList();
            var total = 0L;
            foreach (var file in files)
            {
                total += file.Length;
                if (total > maximumBytes)
                {
                    file.Delete();
                }
            }
        }
    }

    private string Key(string packageSha256, string handler) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{packageSha256}\n{handler}\n{engine}")));

    private byte[] Sign(string key, ReadOnlySpan<byte> code)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hash.AppendData(Encoding.UTF8.GetBytes(key));
        hash.AppendData(code);
        return hash.GetHashAndReset();
    }

    private byte[] GetSecret()
    {
        var path = Path.Combine(directory, "secret");
        for (var tries = 0; ; tries++)
        {
            try
            {
                if (File.Exists(path) && File.ReadAllBytes(path) is { Length: 32 } secret)
                {
                    return secret;
                }

                Write(path, RandomNumberGenerator.GetBytes(32), [], overwrite: tries > 3);
            }
            catch (IOException) when (tries < 5)
            {
                // Another worker was faster: its secret is read now.
            }
        }
    }
}
