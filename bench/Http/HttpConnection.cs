using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FaasCluster.Bench.Http;

/// <summary>
/// One keep-alive connection that sends ready-made requests and reads answers with a Content-Length: on a machine that is
/// measured and measures, the generator must cost as little as it can.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private byte[] buffer = new byte[16 * 1024];

    public static async Task<HttpConnection> OpenAsync(Uri server, CancellationToken cancellationToken)
    {
        var connection = new HttpConnection();
        try
        {
            await connection.socket.ConnectAsync(new IPEndPoint(IPAddress.Parse(server.Host), server.Port), cancellationToken);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends one request and reads its answer, which is valid until the next one.</summary>
    public async ValueTask<HttpAnswer> SendAsync(ReadOnlyMemory<byte> request, CancellationToken cancellationToken)
    {
        for (var sent = 0; sent < request.Length;)
        {
            sent += await socket.SendAsync(request[sent..], SocketFlags.None, cancellationToken);
        }

        var filled = 0;
        var head = -1;
        var length = 0;
        while (true)
        {
            if (filled == buffer.Length)
            {
                Array.Resize(ref buffer, buffer.Length * 2);
            }

            var received = await socket.ReceiveAsync(buffer.AsMemory(filled), SocketFlags.None, cancellationToken);
            if (received == 0)
            {
                throw new BenchFailedException("The server closed the connection in the middle of an answer.");
            }

            filled += received;
            if (head < 0)
            {
                head = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
                if (head < 0)
                {
                    continue;
                }

                head += 4;
                length = ContentLength(buffer.AsSpan(0, head));
            }

            if (filled == head + length)
            {
                return new HttpAnswer(Status(buffer), buffer.AsMemory(0, head), buffer.AsMemory(head, length));
            }

            if (filled > head + length)
            {
                throw new BenchFailedException($"The server sent more than it announced: {Encoding.UTF8.GetString(buffer, 0, filled)}");
            }
        }
    }

    public void Dispose() => socket.Dispose();

    private static int Status(ReadOnlySpan<byte> answer) =>
        answer.StartsWith("HTTP/1.1 "u8) && Utf8Parser.TryParse(answer[9..12], out int status, out _)
            ? status
            : throw new BenchFailedException("The server does not answer in HTTP/1.1.");

    private static int ContentLength(ReadOnlySpan<byte> head) =>
        HttpAnswer.Find(head, "content-length") is { Length: > 0 } text && Utf8Parser.TryParse(text, out int length, out _)
            ? length
            : throw new BenchFailedException($"An answer without Content-Length:\n{Encoding.UTF8.GetString(head)}");
}
