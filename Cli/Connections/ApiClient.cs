using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Connections;

/// <summary>The management API. Nothing is retried: whoever runs the command decides what to repeat.</summary>
internal sealed class ApiClient : IDisposable
{
    /// <summary>How long an answer of the management API may take: 60 s.</summary>
    public static readonly TimeSpan UsualTimeout = TimeSpan.FromSeconds(60);

    private readonly HttpClient _http;
    private readonly Terminal _terminal;

    public ApiClient(Terminal terminal)
    {
        _terminal = terminal;
        Context = ClusterContext.Load(terminal);
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            AutomaticDecompression = DecompressionMethods.None,
            // Proxies are for the world outside; they would take 127.0.0.1 for their own.
            UseProxy = !Context.Url.IsLoopback,
        };
        _http = new HttpClient(handler) { BaseAddress = Context.Url, Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("faas", typeof(ApiClient).Assembly.GetName().Version?.ToString(3) ?? "0"));
        if (Context.Key is { } key)
        {
            if (!_http.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", $"Bearer {key}") || key.Any(c => c is <= ' ' or > '~'))
            {
                throw new CommandFailure(ExitCodes.Usage, "The key has characters that no key has.", $"It was read from {(Context.Source == "FAAS_URL" ? "FAAS_KEY" : Context.Source)}.");
            }
        }
    }

    public ClusterContext Context { get; }

    public void Dispose() => _http.Dispose();

    /// <summary>Asks for a document.</summary>
    /// <exception cref="CommandFailure">It did not come; the exit code says why.</exception>
    public async Task<T> GetAsync<T>(string path, string what, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        using var response = await SendAsync(request, what, UsualTimeout, cancellationToken);
        await ThrowIfFailedAsync(response, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    /// <summary>Asks for the pages of a list until there are <paramref name="limit"/> items or no more pages.</summary>
    public async Task<Page<T>> GetPagesAsync<T>(string path, int limit, string what, CancellationToken cancellationToken)
    {
        const int LargestPage = 100;
        List<T> items = [];
        string? cursor = null;
        do
        {
            var query = $"{(path.Contains('?') ? '&' : '?')}limit={Math.Min(LargestPage, limit - items.Count)}";
            var page = await GetAsync<Page<T>>($"{path}{query}{(cursor is null ? "" : $"&cursor={Uri.EscapeDataString(cursor)}")}", what, cancellationToken);
            items.AddRange(page.Items);
            cursor = page.Items.Count == 0 ? null : page.Next;
        }
        while (cursor is not null && items.Count < limit);
        return new Page<T> { Items = items, Next = cursor };
    }

    /// <summary>Sends a request; shows a spinner while the answer takes its time.</summary>
    /// <exception cref="CommandFailure">No answer came.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string what, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            // With the body: a command has no use for half of it, and the timeout covers all of it.
            return await Spinner.WhileAsync(_terminal, what, _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, limit.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CommandFailure(
                ExitCodes.Unreachable, $"{Context.Url} did not answer within {Figures.Duration(timeout)}.", "The request may still be carried out. 'faas doctor' looks at the cluster.");
        }
        catch (HttpRequestException exception)
        {
            throw new CommandFailure(ExitCodes.Unreachable, $"Cannot reach {Context.Url}: {Reason(exception)}.", Advice());
        }
    }

    /// <summary>Turns an error answer into a failure that says everything the answer said.</summary>
    public async Task ThrowIfFailedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw Problems.ToFailure(await Problems.ReadAsync(response, cancellationToken), response, Context);
        }
    }

    public async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var bytes = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return JsonSerializer.Deserialize(bytes, (JsonTypeInfo<T>)ApiJson.Default.GetTypeInfo(typeof(T))!) ?? throw new JsonException("null");
        }
        catch (JsonException exception)
        {
            throw new CommandFailure(
                ExitCodes.Unreachable, $"{Context.Url} answered {(int)response.StatusCode}, but not with what this command expects: {exception.Message}", "Is that address a FaasCluster, and of this version?");
        }
    }

    private string Advice() => Context.Source == "FAAS_URL"
        ? "Is FAAS_URL right, and does the cluster run? Without FAAS_URL, the cluster that ./run started last is asked."
        : "That is the cluster which ./run started last. Start it again with ./run, or set FAAS_URL and FAAS_KEY to those of another.";

    private static string Reason(HttpRequestException exception) => exception switch
    {
        { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionRefused } } => "nothing listens there (connection refused)",
        { InnerException: SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData } } => "there is no such host",
        { InnerException: SocketException socket } => socket.Message,
        { HttpRequestError: HttpRequestError.SecureConnectionError } => $"no secure connection ({exception.InnerException?.Message ?? exception.Message})",
        { HttpRequestError: HttpRequestError.ResponseEnded } => "the connection ended before the answer",
        _ => exception.InnerException?.Message.TrimEnd('.') ?? exception.Message.TrimEnd('.'),
    };
}
