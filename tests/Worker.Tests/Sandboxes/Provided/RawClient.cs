using System.Net.Sockets;
using System.Text;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>Sends bytes as they are and reads answers of HTTP/1.1 one by one.</summary>
internal sealed class RawClient(Socket socket) : IDisposable
{
    private readonly List<byte> input = [];

    public Socket Socket => socket;

    public async Task SendAsync(string text) => await socket.SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendLinesAsync(params string[] lines) => await SendAsync(string.Join("\r\n", lines));

    /// <summary>The next answer: its first line with its headers, and its body.</summary>
    public async Task<(string Head, string Body)> ReadAsync()
    {
        int end;
        while ((end = Encoding.Latin1.GetString([.. input]).IndexOf("\r\n\r\n", StringComparison.Ordinal)) < 0)
        {
            await FillAsync();
        }

        var head = Encoding.Latin1.GetString([.. input], 0, end);
        var line = head.Split("\r\n").Single(line => line.StartsWith("Content-Length: ", StringComparison.Ordinal));
        var length = int.Parse(line["Content-Length: ".Length..], System.Globalization.CultureInfo.InvariantCulture);
        while (input.Count < end + 4 + length)
        {
            await FillAsync();
        }

        var body = Encoding.UTF8.GetString([.. input], end + 4, length);
        input.RemoveRange(0, end + 4 + length);
        return (head, body);
    }

    /// <summary>Whether the other end closes, having sent nothing more.</summary>
    public async Task<bool> EndsAsync()
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1]).WaitAsync(TimeSpan.FromMinutes(1)) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    public void Dispose() => socket.Dispose();

    private async Task FillAsync()
    {
        var buffer = new byte[64 << 10];
        var count = await socket.ReceiveAsync(buffer).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(count > 0, "The connection ended before its answer did: " + Encoding.Latin1.GetString([.. input]));
        input.AddRange(buffer[..count]);
    }
}
