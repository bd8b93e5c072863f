using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Processes;

/// <summary>A user of the platform: everything by HTTP.</summary>
public sealed class FaasClient : IDisposable
{
    private readonly HttpClient http;

    public FaasClient(string url, string key)
    {
        http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 512 }) { BaseAddress = new Uri(url), Timeout = TimeSpan.FromMinutes(5) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
    }

    public HttpClient Http => http;

    /// <summary>Deploys a directory that holds a function.yaml.</summary>
    public Task<FunctionDescription> DeployDirectoryAsync(string directory) => DeployAsync(PackageBuilder.FromDirectory(directory), "package.zip", null);

    /// <summary>Deploys one source file with a manifest.</summary>
    public Task<FunctionDescription> DeployFileAsync(string fileName, string source, string manifest) =>
        DeployAsync(Encoding.UTF8.GetBytes(source), fileName, manifest);

    public async Task<FunctionDescription> DeployAsync(byte[] package, string fileName, string? manifest)
    {
        using var form = new MultipartFormDataContent();
        if (manifest is not null)
        {
            form.Add(new StringContent(manifest), "manifest");
        }

        form.Add(new ByteArrayContent(package), "package", fileName);
        using var answer = await http.PostAsync("/api/functions", form);
        return await ReadAsync(answer, HttpStatusCode.Created, ApiJson.Default.FunctionDescription);
    }

    public Task<HttpResponseMessage> InvokeAsync(string function, string body = "{}") =>
        http.PostAsync($"/api/functions/{function}/invocations", new StringContent(body, Encoding.UTF8, "application/json"));

    /// <summary>An asynchronous invocation; the id if it was answered with 202, else null.</summary>
    public async Task<Guid?> CallAsync(string function, string body = "{}")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/functions/{function}/invocations")
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("Prefer", "respond-async");
        using var answer = await http.SendAsync(request);
        return answer.StatusCode == HttpStatusCode.Accepted
            ? (await ReadAsync(answer, HttpStatusCode.Accepted, ApiJson.Default.AcceptedDescription)).Id
            : null;
    }

    public async Task<FunctionDescription> FunctionAsync(string name)
    {
        using var answer = await http.GetAsync($"/api/functions/{name}");
        return await ReadAsync(answer, HttpStatusCode.OK, ApiJson.Default.FunctionDescription);
    }

    public async Task<InvocationDescription> InvocationAsync(Guid id)
    {
        using var answer = await http.GetAsync($"/api/invocations/{id}");
        return await ReadAsync(answer, HttpStatusCode.OK, ApiJson.Default.InvocationDescription);
    }

    /// <summary>
    /// The invocation as soon as it is in a terminal state. A call is answered before its record is there if that takes longer than a
    /// second, as it does on a busy machine.
    /// </summary>
    public async Task<InvocationDescription> EndOfAsync(Guid id)
    {
        InvocationDescription? found = null;
        await Until.TrueAsync(
            async () =>
            {
                using var answer = await http.GetAsync($"/api/invocations/{id}");
                if (answer.StatusCode == HttpStatusCode.NotFound)
                {
                    return false;
                }

                found = await ReadAsync(answer, HttpStatusCode.OK, ApiJson.Default.InvocationDescription);
                return found.State is not ("queued" or "running");
            },
            $"invocation {id} ended",
            seen: () => $"{found?.State}, {found?.Attempts?.Count} attempts, {found?.Error?.Code}");
        return found!;
    }

    public async Task<IReadOnlyList<LogLineDescription>> LogsAsync(Guid id)
    {
        using var answer = await http.GetAsync($"/api/invocations/{id}/logs?limit=1000");
        return (await ReadAsync(answer, HttpStatusCode.OK, ApiJson.Default.PageLogLineDescription)).Items;
    }

    public async Task<UsageReport> UsageAsync()
    {
        using var answer = await http.GetAsync("/api/usage");
        return await ReadAsync(answer, HttpStatusCode.OK, ApiJson.Default.UsageReport);
    }

    public async Task<ClusterStatus> StatusAsync()
    {
        using var answer = await http.GetAsync("/api/status");
        return await ReadAsync(answer, HttpStatusCode.OK, ApiJson.Default.ClusterStatus);
    }

    public static Guid IdOf(HttpResponseMessage answer) => Guid.Parse(answer.Headers.GetValues("Faas-Invocation-Id").Single());

    /// <summary>The problem that an answer carries, with its status checked.</summary>
    public static Task<Problem> ProblemAsync(HttpResponseMessage answer, HttpStatusCode status) => ReadAsync(answer, status, ApiJson.Default.Problem);

    public void Dispose() => http.Dispose();

    private static async Task<T> ReadAsync<T>(HttpResponseMessage answer, HttpStatusCode expected, JsonTypeInfo<T> type)
    {
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == expected, $"expected {(int)expected}, got {(int)answer.StatusCode}: {body}");
        return JsonSerializer.Deserialize(body, type)!;
    }
}
