using System.Net;
using System.Net.Sockets;
using System.Text;
using FaasCluster.Worker.Sandboxes.Provided;
using Microsoft.Extensions.Logging.Abstractions;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>A Runtime API on a loopback port of the host: what is said is the same as in a sandbox.</summary>
public sealed class RuntimeApiFixture : IAsyncLifetime
{
    private readonly RuntimeApiServer server = new(NullLoggerFactory.Instance);
    private readonly HttpClient http = new();
    private RuntimeApiEndpoint endpoint = null!;

    public int Port { get; private set; }

    internal RuntimeApiSession Session => endpoint.Session;

    internal RuntimeApiEndpoint Endpoint => endpoint;

    public async ValueTask InitializeAsync() => (endpoint, Port) = await AttachAsync();

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await endpoint.DisposeAsync();
        await server.DisposeAsync();
    }

    /// <summary>Goes on with a runtime that has just been started.</summary>
    internal async Task AttachFreshAsync()
    {
        await endpoint.DisposeAsync();
        (endpoint, Port) = await AttachAsync();
    }

    internal async Task<(RuntimeApiEndpoint Endpoint, int Port)> AttachAsync()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await server.StartAsync();
        return (server.Attach(listener), ((IPEndPoint)listener.LocalEndPoint!).Port);
    }

    internal static RuntimeInvocation Invocation(string body = "{}", string? id = null, bool isHttp = false) => new()
    {
        IsHttp = isHttp,
        Response = new PieceLog(),
        Id = id ?? Guid.NewGuid().ToString("D"),
        DueAt = DateTimeOffset.FromUnixTimeMilliseconds(1_600_000_000_123),
        FunctionArn = "arn:aws:lambda:local:default:function:test",
        TraceId = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        Event = Encoding.UTF8.GetBytes(body),
    };

    internal Task<HttpResponseMessage> NextAsync(CancellationToken cancellationToken = default) => http.GetAsync(Url("invocation/next"), cancellationToken);

    internal async Task<(HttpStatusCode Status, string Body)> PostAsync(string path, string body, Action<HttpRequestMessage>? with = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Url(path)) { Content = new StringContent(body) };
        with?.Invoke(request);
        using var response = await http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>Begins an invocation and takes it, as a runtime does.</summary>
    internal async Task<RuntimeInvocation> RunningAsync(string body = "{}")
    {
        var invocation = Invocation(body);
        Session.Begin(invocation);
        using var next = await NextAsync();
        Assert.Equal(invocation.Id, next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single());
        return invocation;
    }

    internal async Task<RawClient> ConnectAsync(int? port = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port ?? Port);
        return new RawClient(socket);
    }

    private Uri Url(string path) => new($"http://127.0.0.1:{Port}/2018-06-01/runtime/{path}");
}
