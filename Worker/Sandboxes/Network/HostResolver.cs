using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// Asks the name servers that this host uses, with a function's own question as it is, so that every kind of record works. The host's own
/// files (/etc/hosts) are not asked.
/// </summary>
internal sealed class HostResolver(IOptions<SandboxOptions> options, TimeProvider time)
{
    private const string Settings = "/etc/resolv.conf";
    private const int Port = 53;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Age = TimeSpan.FromSeconds(5);

    private volatile Known? known;

    /// <summary>Asks one after the other until one answers; null if none did.</summary>
    /// <param name="query">A question of one datagram.</param>
    /// <param name="answer">Receives the answer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<int?> AskAsync(ReadOnlyMemory<byte> query, Memory<byte> answer, CancellationToken cancellationToken)
    {
        foreach (var server in Servers())
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            try
            {
                return await AskOneAsync(server, query, answer, patience.Token);
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // The next one, then.
            }
        }

        return null;
    }

    /// <summary>Connects to the first name server that can be reached, for a question that needs a stream; null if none can.</summary>
    public async Task<Socket?> ConnectAsync(CancellationToken cancellationToken)
    {
        foreach (var server in Servers())
        {
            var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(Patience);
            try
            {
                await socket.ConnectAsync(server, patience.Token);
                return socket;
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                socket.Dispose();
            }
        }

        return null;
    }

    /// <summary>The servers in the text of a resolv.conf (resolv.conf(5): the first three count; without any, the host itself).</summary>
    internal static IReadOnlyList<IPEndPoint> Read(string text)
    {
        List<IPEndPoint> servers = [];
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words is ["nameserver", var address, ..] && IPAddress.TryParse(address, out var parsed) && servers.Count < 3)
            {
                servers.Add(new IPEndPoint(parsed, Port));
            }
        }

        return servers.Count > 0 ? servers : [new IPEndPoint(IPAddress.Loopback, Port)];
    }

    // A socket of its own for each question: the kernel gives each another port, and takes answers from this server alone.
    private static async Task<int> AskOneAsync(IPEndPoint server, ReadOnlyMemory<byte> query, Memory<byte> answer, CancellationToken cancellationToken)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellationToken);
        var own = query.ToArray();
        var id = (ushort)RandomNumberGenerator.GetInt32(1 << 16);
        BinaryPrimitives.WriteUInt16BigEndian(own, id);
        await socket.SendAsync(own, cancellationToken);
        while (true)
        {
            var count = await socket.ReceiveAsync(answer, cancellationToken);
            if (count >= NameQuery.HeaderLength && BinaryPrimitives.ReadUInt16BigEndian(answer.Span) == id)
            {
                query.Span[..2].CopyTo(answer.Span);
                return count;
            }
        }
    }

    private IReadOnlyList<IPEndPoint> Servers()
    {
        if (options.Value.NameServers is { Count: > 0 } given)
        {
            return [.. given.Select(server => IPEndPoint.Parse(server) is { Port: > 0 } complete ? complete : new IPEndPoint(IPAddress.Parse(server), Port))];
        }

        if (known is { } recent && time.GetElapsedTime(recent.At) < Age)
        {
            return recent.Servers;
        }

        var at = time.GetTimestamp();
        return (known = new Known(File.Exists(Settings) ? Read(File.ReadAllText(Settings)) : Read(""), at)).Servers;
    }

    private sealed record Known(IReadOnlyList<IPEndPoint> Servers, long At);
}
