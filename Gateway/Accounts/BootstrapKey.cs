using System.Security.Cryptography;
using FaasCluster.Messaging.Hosting;
using FaasCluster.Storage;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Accounts;

/// <summary>The first key of an installation: from configuration, from a file, or (embedded) made once and kept beside the data.</summary>
internal sealed class BootstrapKey(IOptions<GatewayOptions> gateway, IOptions<StorageOptions> storage) : IStartupCheck
{
    /// <summary>The file in the data directory that the embedded mode keeps its key in.</summary>
    public const string FileName = "bootstrap-key";

    /// <summary>Reads or makes the key.</summary>
    /// <exception cref="NodeConfigurationException">There is none, or it is no key.</exception>
    public string Read()
    {
        if (gateway.Value.BootstrapKey is { } key)
        {
            return key;
        }

        if (gateway.Value.BootstrapKeyFile is { } file)
        {
            return ReadFile(file);
        }

        if (storage.Value is not { ConnectionString: null, DataDirectory: { } directory })
        {
            throw new NodeConfigurationException(
                "Gateway:BootstrapKey and Gateway:BootstrapKeyFile are both missing; a cluster needs one of them: set for example Gateway__BootstrapKey to the output of 'openssl rand -hex 24'.");
        }

        var path = Path.Combine(directory, FileName);
        return File.Exists(path) ? ReadFile(path) : Make(path);
    }

    /// <inheritdoc/>
    public void Check() => Read();

    private static string ReadFile(string path)
    {
        string key;
        try
        {
            key = File.ReadAllText(path).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new NodeConfigurationException($"The key file '{path}' cannot be read: {exception.Message} Expected a file that holds one key.");
        }

        return key.Length is >= 16 and <= ApiKey.MaximumLength && key.All(c => c is >= '!' and <= '~')
            ? key
            : throw new NodeConfigurationException($"The key file '{path}' holds no key; expected 16 to 200 visible ASCII characters without spaces.");
    }

    private static string Make(string path)
    {
        var key = "faas_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(24));
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);

        // Written whole under another name first: a crash in between must not leave half a key.
        var draft = $"{path}.new";
        File.Delete(draft);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var writer = new StreamWriter(draft, options))
        {
            writer.Write(key);
            writer.Write('\n');
        }

        File.Move(draft, path, overwrite: true);
        return key;
    }
}
