using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// What one sandbox may reach, held by the worker: listeners inside its network namespace, and the host's ends of its connections. All
/// of it is closed with the sandbox, but for what its programs sent before they ended: that still arrives, as it would on any system.
/// </summary>
internal sealed class SandboxNetwork(NetworkServices services, OutputCapture output) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly ConnectionCount connections = new(services.Options.ConnectionsPerSandbox, "Sandbox:ConnectionsPerSandbox");
    private readonly ConcurrentDictionary<Task, object?> running = new();
    private readonly CancellationTokenSource draining = new();
    private readonly CancellationTokenSource ending = new();
    private readonly List<Socket> listeners = [];
    private readonly List<Task> serving = [];

    /// <summary>The function in the sandbox, once it is known; for metrics.</summary>
    public string? FunctionName { get; set; }

    /// <summary>Connections that it has now.</summary>
    public int Connections => connections.Count;

    /// <summary>The worker's settings and what its sandboxes share.</summary>
    public NetworkServices Services => services;

    /// <summary>Ends with the sandbox.</summary>
    public CancellationToken Draining => draining.Token;

    /// <summary>Ends when what the sandbox's programs had sent has had its time to arrive.</summary>
    public CancellationToken Ending => ending.Token;

    /// <summary>Serves the connections of a listener, which is owned from now on.</summary>
    /// <param name="listener">A listener inside the sandbox.</param>
    /// <param name="serve">Serves one connection; it is closed afterwards, or reset if this throws.</param>
    public void Serve(Socket listener, Func<Socket, Task> serve)
    {
        listeners.Add(listener);
        serving.Add(Acceptor.RunAsync(listener, accepted => Track(ServeOneAsync(accepted, serve)), draining.Token));
    }

    /// <summary>Runs something for as long as the sandbox lives, with a socket that is owned from now on.</summary>
    public void Run(Socket socket, Func<Task> run)
    {
        listeners.Add(socket);
        serving.Add(run());
    }

    /// <summary>Counts a refusal and writes it into the log of the current invocation.</summary>
    public void Refuse(Refusal refusal, EndPoint destination)
    {
        services.Metrics.Refused(refusal.Reason, FunctionName);
        output.Note($"connection to {destination} refused: {refusal.Explanation}");
    }

    /// <summary>Writes a line into the log of the current invocation.</summary>
    public void Note(string line) => output.Note(line);

    public async ValueTask DisposeAsync()
    {
        await draining.CancelAsync();
        await Task.WhenAll(serving);
        listeners.ForEach(listener => listener.Dispose());
        _ = EndAsync();
    }

    // Beside everything else: an invocation is not answered later because somebody takes the last of its bytes slowly.
    private async Task EndAsync()
    {
        ending.CancelAfter(Patience);
        await Task.WhenAll(running.Keys);
        ending.Dispose();
        draining.Dispose();
    }

    private void Track(Task task)
    {
        if (!task.IsCompleted)
        {
            running[task] = null;
            _ = task.ContinueWith(ended => running.TryRemove(ended, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task ServeOneAsync(Socket accepted, Func<Socket, Task> serve)
    {
        if (FindRefusal() is { } refusal)
        {
            Refuse(refusal, OriginalDestination.Of(accepted));
            Acceptor.Abort(accepted);
            return;
        }

        services.Metrics.Connections(1);
        try
        {
            await serve(accepted);
            accepted.Dispose();
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            Acceptor.Abort(accepted);
        }
        finally
        {
            services.Metrics.Connections(-1);
            connections.Remove();
            services.Connections.Remove();
        }
    }

    private Refusal? FindRefusal()
    {
        if (!connections.TryAdd())
        {
            return connections.Refusal;
        }

        if (services.Connections.TryAdd())
        {
            return null;
        }

        connections.Remove();
        return services.Connections.Refusal;
    }
}
