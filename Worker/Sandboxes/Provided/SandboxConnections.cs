using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// What Kestrel takes for its one listening socket: connections that were accepted in the network namespaces of any number of sandboxes.
/// </summary>
internal sealed class SandboxConnections : IConnectionListenerFactory, IConnectionListener
{
    // Kestrel does no more with one than to queue it as work: not worth a thread of its own.
    private readonly Channel<ConnectionContext> accepted = Channel.CreateUnbounded<ConnectionContext>(new() { SingleReader = true, AllowSynchronousContinuations = true });

    /// <inheritdoc/>
    public EndPoint EndPoint { get; private set; } = new SandboxesEndPoint();

    /// <summary>Passes a connection on; false if the server has ended.</summary>
    public bool TryAdd(ConnectionContext connection) => accepted.Writer.TryWrite(connection);

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        EndPoint = endpoint;
        return ValueTask.FromResult<IConnectionListener>(this);
    }

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await accepted.Reader.WaitToReadAsync(cancellationToken) && accepted.Reader.TryRead(out var connection) ? connection : null;

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        accepted.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => UnbindAsync();

    /// <summary>Kestrel wants a name for what it listens on.</summary>
    internal sealed class SandboxesEndPoint : EndPoint
    {
        /// <inheritdoc/>
        public override string ToString() => "sandboxes";
    }
}
