using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// The AWS Lambda Runtime API (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html): one HTTP server of the worker for all
/// sandboxes. It listens nowhere on the host; every sandbox has a socket of its own in its own network namespace.
/// </summary>
internal sealed class RuntimeApiServer : IAsyncDisposable
{
    // A Lambda-Runtime-Function-XRay-Error-Cause may have 1 MiB.
    private const int MostHeaderBytes = (1 << 20) + (64 << 10);
    private const int BufferBytes = MostHeaderBytes + (64 << 10);

    // Longer than a client can tell, and not infinite: Kestrel adds it to its clock, and the largest time span overflows it, which ends
    // whatever connection is between two requests when the clock ticks. A "next" that waits is a request, so no timeout applies to it.
    private static readonly TimeSpan LongestIdle = TimeSpan.FromDays(30);

    private readonly SandboxConnections connections = new();
    private readonly SocketConnectionContextFactory factory;
    private readonly KestrelServer server;
    private readonly Lazy<Task> start;

    public RuntimeApiServer(ILoggerFactory loggers)
    {
        var options = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };
        options.Limits.MaxRequestHeadersTotalSize = MostHeaderBytes;
        options.Limits.MaxRequestBufferSize = BufferBytes;
        options.Limits.MaxRequestBodySize = null;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.KeepAliveTimeout = LongestIdle;
        options.Limits.RequestHeadersTimeout = LongestIdle;
        options.Listen(new SandboxConnections.SandboxesEndPoint(), listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => ServeAsync(next, connection));
        });
        // Inline: nothing here holds a thread, and every change of threads is some of the time that a call takes.
        factory = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions { MaxReadBufferSize = BufferBytes, UnsafePreferInlineScheduling = true }, loggers.CreateLogger<RuntimeApiServer>());
        server = new KestrelServer(Options.Create(options), connections, loggers);
        start = new Lazy<Task>(() => server.StartAsync(new RuntimeApiApplication(), CancellationToken.None));
    }

    /// <summary>Starts it, once.</summary>
    public Task StartAsync() => start.Value;

    /// <summary>Serves what connects to a listening socket, which is owned from here on, until the endpoint is disposed.</summary>
    public RuntimeApiEndpoint Attach(Socket listener) => new(listener, connections, factory);

    public async ValueTask DisposeAsync()
    {
        if (start.IsValueCreated)
        {
            // Whoever still polls is not waited for.
            await server.StopAsync(new CancellationToken(canceled: true));
        }

        server.Dispose();
        factory.Dispose();
    }

    private static async Task ServeAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        try
        {
            await next(connection);
        }
        finally
        {
            connection.Features.Get<RuntimeApiEndpoint>()!.Left(connection);
        }
    }
}
