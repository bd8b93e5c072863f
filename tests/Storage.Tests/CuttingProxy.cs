using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace FaasCluster.Storage.Tests;

/// <summary>
/// Stands between a client and a server and can be told to cut: to swallow the server's next answers and then close the
/// connection, so that what was asked for is done and nobody learns of it; or to let nobody through.
/// </summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _clients = new();
    private readonly string _host;
    private readonly int _port;
    private readonly Task _accepting;
    private int _answersToCut;
    private volatile bool _isOpen = true;

    public CuttingProxy(string host, int port)
    {
        _host = host;
        _port = port;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Answers that were swallowed.</summary>
    public int Cuts { get; private set; }

    /// <summary>Swallows the next answer of the server and closes its connection; so many times.</summary>
    public void CutNextAnswers(int count) => Volatile.Write(ref _answersToCut, count);

    /// <summary>Closes every connection and refuses new ones.</summary>
    public void Close()
    {
        _isOpen = false;
        foreach (var client in _clients.Keys)
        {
            client.Close();
        }
    }

    public void Open() => _isOpen = true;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        Close();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stopping.Token);
                if (_isOpen)
                {
                    _clients.TryAdd(client, true);
                    _ = RelayAsync(client);
                }
                else
                {
                    client.Close();
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using var server = new TcpClient();
        try
        {
            await server.ConnectAsync(_host, _port, _stopping.Token);
            _clients.TryAdd(server, true);
            await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream()), AnswerAsync(server.GetStream(), client.GetStream()));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException or ObjectDisposedException or InvalidOperationException)
        {
        }
        finally
        {
            client.Close();
            _clients.TryRemove(client, out _);
            _clients.TryRemove(server, out _);
        }
    }

    private async Task AnswerAsync(NetworkStream server, NetworkStream client)
    {
        var buffer = new byte[65536];
        while (await server.ReadAsync(buffer, _stopping.Token) is > 0 and var length)
        {
            if (Volatile.Read(ref _answersToCut) > 0)
            {
                Interlocked.Decrement(ref _answersToCut);
                Cuts++;
                return;
            }

            await client.WriteAsync(buffer.AsMemory(0, length), _stopping.Token);
        }
    }
}
