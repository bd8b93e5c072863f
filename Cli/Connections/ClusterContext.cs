using System.Text.Json;

namespace FaasCluster.Cli.Connections;

/// <summary>Which cluster is meant, and the key for it.</summary>
internal sealed record ClusterContext
{
    public required Uri Url { get; init; }

    public required string? Key { get; init; }

    /// <summary>Where that was read, for messages.</summary>
    public required string Source { get; init; }

    /// <summary>The file that <c>./run</c> writes: config.json in $XDG_CONFIG_HOME/faas or ~/.config/faas.</summary>
    public static string FilePath(Terminal terminal)
    {
        var configuration = terminal.Environment("XDG_CONFIG_HOME");
        if (string.IsNullOrEmpty(configuration) || !Path.IsPathRooted(configuration))
        {
            configuration = Path.Combine(terminal.Environment("HOME") ?? "", ".config");
        }

        return Path.Combine(configuration, "faas", "config.json");
    }

    /// <summary>FAAS_URL and FAAS_KEY win over the file.</summary>
    /// <exception cref="CommandFailure">Neither says anything usable.</exception>
    public static ClusterContext Load(Terminal terminal)
    {
        var url = terminal.Environment("FAAS_URL");
        var key = terminal.Environment("FAAS_KEY");
        var path = FilePath(terminal);
        var (savedUrl, savedKey) = ReadFile(path);
        if (string.IsNullOrEmpty(url))
        {
            if (savedUrl is null)
            {
                throw new CommandFailure(
                    ExitCodes.Unreachable, "No cluster is known.", "Start one on this machine with ./run, or set FAAS_URL and FAAS_KEY to those of another.");
            }

            return new ClusterContext { Url = Parse(savedUrl, path), Key = string.IsNullOrEmpty(key) ? savedKey : key, Source = path };
        }

        var wanted = Parse(url, "FAAS_URL");
        if (string.IsNullOrEmpty(key) && savedUrl is not null && Uri.TryCreate(savedUrl, UriKind.Absolute, out var saved)
            && Uri.Compare(saved, wanted, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0)
        {
            // The saved key is for the saved cluster; it is not shown to any other.
            key = savedKey;
        }

        return new ClusterContext { Url = wanted, Key = string.IsNullOrEmpty(key) ? null : key, Source = "FAAS_URL" };
    }

    private static (string? Url, string? Key) ReadFile(string path)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(path));
            return (Text(document, "url"), Text(document, "key"));
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, null);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            throw new CommandFailure(ExitCodes.Usage, $"{path} cannot be read: {exception.Message}", "Delete it and start ./run again, which writes it anew.");
        }
    }

    private static string? Text(JsonDocument document, string name) =>
        document.RootElement.TryGetProperty(name, out var value) && value.GetString() is { Length: > 0 } text ? text : null;

    private static Uri Parse(string url, string source) =>
        Uri.TryCreate(url.EndsWith('/') ? url : url + "/", UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new CommandFailure(ExitCodes.Usage, $"'{url}' of {source} is no address of a cluster.", "Expected for example http://127.0.0.1:8080.");
}
