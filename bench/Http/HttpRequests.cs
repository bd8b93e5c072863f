using System.Text;

namespace FaasCluster.Bench.Http;

/// <summary>Ready-made requests.</summary>
internal static class HttpRequests
{
    /// <summary>A POST of JSON as bytes.</summary>
    public static byte[] Post(Uri server, string path, string? key, ReadOnlySpan<byte> body, params ReadOnlySpan<string> fields)
    {
        var head = new StringBuilder()
            .Append($"POST {path} HTTP/1.1\r\nHost: {server.Authority}\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n");
        if (key is not null)
        {
            head.Append($"Authorization: Bearer {key}\r\n");
        }

        foreach (var field in fields)
        {
            head.Append($"{field}\r\n");
        }

        return [.. Encoding.ASCII.GetBytes(head.Append("\r\n").ToString()), .. body];
    }
}
