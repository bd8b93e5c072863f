using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>The listening socket in one sandbox's network namespace, and the connections that came in by it.</summary>
internal sealed class RuntimeApiEndpoint : IAsyncDisposable
{
    // Clients have one or two. What a hostile function keeps the worker from forgetting is bounded by this.
    private const int MostConnections = 16;

    private readonly Socket listener;
    private readonly SandboxConnections connections;
    private readonly SocketConnectionContextFactory factory;
    private readonly SemaphoreSlim places = new(MostConnections);
    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private readonly HashSet<ConnectionContext> open = [];
    private readonly Task accepting;
    private TaskCompletionSource? drained;

    public RuntimeApiEndpoint(Socket listener, SandboxConnections connections, SocketConnectionContextFactory factory)
    {
        this.listener = listener;
        this.connections = connections;
        this.factory = factory;
        accepting = AcceptAsync();
    }

    /// <summary>What its requests lead to.</summary>
    public RuntimeApiSession Session { get; } = new();

    /// <summary>
    /// Ends when every connection has ended: after the sandbox's processes have, everything that they sent is processed then.
    /// </summary>
    public Task WhenDrainedAsync()
    {
        lock (gate)
        {
            drained ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            CheckDrained();
            return drained.Task;
        }
    }

    /// <summary>A connection is served; called by the server.</summary>
    public void Left(ConnectionContext connection)
    {
        lock (gate)
        {
            open.Remove(connection);
            CheckDrained();
        }

        places.Release();
    }

    /// <summary>Ends the connections: whoever holds a socket of it keeps its network namespace alive.</summary>
    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await accepting;
        ConnectionContext[] rest;
        lock (gate)
        {
            rest = [.. open];
        }

        foreach (var connection in rest)
        {
            connection.Abort(new ConnectionAbortedException("The sandbox has ended."));
        }

        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await places.WaitAsync(stop.Token);
                Add(await listener.AcceptAsync(stop.Token));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It is disposed. The sandbox cannot shut the worker's socket.
        }
    }

    private void Add(Socket socket)
    {
        // Else the end of an answer would wait for the acknowledgement of its beginning.
        socket.NoDelay = true;
        var connection = factory.Create(socket);
        connection.Features.Set(this);
        lock (gate)
        {
            open.Add(connection);
        }

        if (!connections.TryAdd(connection))
        {
            Left(connection);
            connection.Abort();
        }
    }

    private void CheckDrained()
    {
        if (open.Count == 0)
        {
            drained?.TrySetResult();
        }
    }
}
