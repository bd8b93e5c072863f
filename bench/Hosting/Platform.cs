using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FaasCluster.Bench.Http;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Bench.Hosting;

/// <summary>The platform under measurement: one gateway and one worker as processes of their own, as they are shipped.</summary>
internal sealed class Platform : IAsyncDisposable
{
    private readonly BenchServers servers;
    private readonly Dictionary<string, string> settings;
    private readonly HttpClient http;

    private Platform(BenchServers servers, string key, Dictionary<string, string> settings, HostProcess gateway, HostProcess worker)
    {
        this.servers = servers;
        this.settings = settings;
        Key = key;
        Gateway = gateway;
        Worker = worker;
        http = new HttpClient { BaseAddress = gateway.Url, Timeout = TimeSpan.FromSeconds(60) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public string Key { get; }

    public HostProcess Gateway { get; }

    public HostProcess Worker { get; private set; }

    public static async Task<Platform> StartAsync(BenchServers servers, CancellationToken cancellationToken)
    {
        var key = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings:Postgres"] = servers.Postgres,
            ["ConnectionStrings:RabbitMq"] = servers.RabbitMq,
            ["Gateway:BootstrapKey"] = key,
            ["Sandbox:Directory"] = Path.Combine(servers.WorkDirectory, "sandboxes"),
        };

        // Both at once, as on a real start: the gateway is ready only when a worker is. One that fails ends the other.
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var hosts = new[] { "Worker", "Gateway" }
            .Select(name => StartOrCancelAsync(name, servers, settings, failed))
            .ToArray();
        try
        {
            await Task.WhenAll(hosts);
            return new Platform(servers, key, settings, await hosts[1], await hosts[0]);
        }
        catch (Exception failure)
        {
            foreach (var host in hosts.Where(host => host.IsCompletedSuccessfully))
            {
                await (await host).DisposeAsync();
            }

            // The cause, not the cancellation that followed from it.
            throw hosts.Select(host => host.Exception?.InnerException).FirstOrDefault(inner => inner is not null) ?? failure;
        }
    }

    /// <summary>Ends the worker and starts another one with further settings.</summary>
    public async Task RestartWorkerAsync(IReadOnlyDictionary<string, string> further, CancellationToken cancellationToken)
    {
        await Worker.DisposeAsync();
        Worker = await HostProcess.StartAsync(
            "Worker", servers.Dll("Worker"), [], settings.Concat(further).ToDictionary(), servers.WorkDirectory, cancellationToken);
    }

    /// <summary>Deploys one source file.</summary>
    public async Task<FunctionDescription> DeployAsync(string fileName, string source, string manifest, CancellationToken cancellationToken)
    {
        using var form = new MultipartFormDataContent
        {
            { new StringContent(manifest), "manifest" },
            { new ByteArrayContent(Encoding.UTF8.GetBytes(source)), "package", fileName },
        };
        using var answer = await http.PostAsync("/api/functions", form, cancellationToken);
        return await ReadAsync<FunctionDescription>(answer, HttpStatusCode.Created, cancellationToken);
    }

    public async Task DeleteAsync(string function, CancellationToken cancellationToken)
    {
        using var answer = await http.DeleteAsync($"/api/functions/{function}", cancellationToken);
        if (answer.StatusCode != HttpStatusCode.NoContent)
        {
            throw new BenchFailedException($"{function} could not be deleted: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        }
    }

    public async Task<InvocationDescription> InvocationAsync(string id, CancellationToken cancellationToken)
    {
        using var answer = await http.GetAsync($"/api/invocations/{id}", cancellationToken);
        return await ReadAsync<InvocationDescription>(answer, HttpStatusCode.OK, cancellationToken);
    }

    /// <summary>A request that calls a function and waits for its answer.</summary>
    public byte[] Call(string function, ReadOnlySpan<byte> body) => HttpRequests.Post(Gateway.Url, $"/api/functions/{function}/invocations", Key, body);

    /// <summary>A request that submits an asynchronous invocation.</summary>
    public byte[] Submit(string function, ReadOnlySpan<byte> body) =>
        HttpRequests.Post(Gateway.Url, $"/api/functions/{function}/invocations", Key, body, "Prefer: respond-async");

    public async ValueTask DisposeAsync()
    {
        http.Dispose();
        await Worker.DisposeAsync();
        await Gateway.DisposeAsync();
    }

    private static async Task<HostProcess> StartOrCancelAsync(
        string name, BenchServers servers, Dictionary<string, string> settings, CancellationTokenSource failed)
    {
        try
        {
            return await HostProcess.StartAsync(name, servers.Dll(name), [], settings, servers.WorkDirectory, failed.Token);
        }
        catch
        {
            await failed.CancelAsync();
            throw;
        }
    }

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, HttpStatusCode expected, CancellationToken cancellationToken)
        where T : class
    {
        var body = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.StatusCode == expected
            ? (T)JsonSerializer.Deserialize(body, ApiJson.Default.GetTypeInfo(typeof(T))!)!
            : throw new BenchFailedException($"{answer.RequestMessage!.Method} {answer.RequestMessage.RequestUri} answered {(int)answer.StatusCode}: {body}");
    }
}
