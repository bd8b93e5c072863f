using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace FaasCluster.Cli.Invoking;

/// <summary>What <c>-d</c> says: text, <c>@file</c>, or <c>-</c> for standard input.</summary>
internal static class EventData
{
    public static async Task<ByteArrayContent> ReadAsync(Terminal terminal, string? data, string? contentType, CancellationToken cancellationToken)
    {
        var bytes = data switch
        {
            null => [],
            "-" => await ReadInputAsync(terminal, cancellationToken),
            ['@', .. var path] => await ReadFileAsync(Path.GetFullPath(path, terminal.CurrentDirectory), cancellationToken),
            _ => Encoding.UTF8.GetBytes(data),
        };
        var content = new ByteArrayContent(bytes);
        if (bytes.Length > 0 || contentType is not null)
        {
            content.Headers.ContentType = MediaTypeHeaderValue.TryParse(contentType ?? Guess(bytes), out var type)
                ? type
                : throw new CommandFailure(ExitCodes.Usage, $"'{contentType}' is no content type.", "Expected for example application/json.");
        }

        return content;
    }

    private static async Task<byte[]> ReadInputAsync(Terminal terminal, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        await terminal.Input.CopyToAsync(buffer, cancellationToken);
        return buffer.ToArray();
    }

    private static async Task<byte[]> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(path, cancellationToken);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new CommandFailure(ExitCodes.Usage, $"There is no file '{path}'.", "-d @FILE sends a file, -d - standard input, and any other -d its text.");
        }
    }

    private static string Guess(byte[] bytes)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes);
            while (reader.Read())
            {
            }

            return "application/json";
        }
        catch (JsonException)
        {
            return "application/octet-stream";
        }
    }
}
