using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>The API as a client uses it.</summary>
internal static class Api
{
    public const string Source = "def handler(event, context):\n    return event\n";

    public static string Manifest(string name, string rest = "") =>
        $"name: {name}\nruntime: python3\nhandler: app.handler\n{rest}";

    public static MultipartFormDataContent Form(string? manifest, byte[]? package = null, string? fileName = "app.py")
    {
        var form = new MultipartFormDataContent();
        var content = new ByteArrayContent(package ?? Encoding.UTF8.GetBytes(Source));
        if (fileName is null)
        {
            form.Add(content, "package");
        }
        else
        {
            form.Add(content, "package", fileName);
        }

        if (manifest is not null)
        {
            form.Add(new StringContent(manifest), "manifest");
        }

        return form;
    }

    public static async Task<FunctionDescription> DeployAsync(this HttpClient client, string name, string rest = "")
    {
        using var response = await client.PostAsync("/api/functions", Form(Manifest(name, rest)));
        Assert.True(response.StatusCode == HttpStatusCode.Created, await response.Content.ReadAsStringAsync());
        return await response.ReadAsync(ApiJson.Default.FunctionDescription);
    }

    public static async Task<T> ReadAsync<T>(this HttpResponseMessage response, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(await response.Content.ReadAsByteArrayAsync(), type)!;

    public static async Task<T> GetAsync<T>(this HttpClient client, string path, JsonTypeInfo<T> type)
    {
        using var response = await client.GetAsync(path);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return await response.ReadAsync(type);
    }

    /// <summary>Asserts that an answer is a problem, and gives it.</summary>
    public static async Task<Problem> ProblemAsync(this HttpResponseMessage response, HttpStatusCode status, string code)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"{(int)response.StatusCode}, expected {(int)status}: {text}");
        Assert.Equal(Problem.MediaType, response.Content.Headers.ContentType?.MediaType);
        var problem = JsonSerializer.Deserialize(text, ApiJson.Default.Problem)!;
        Assert.Equal(code, problem.Code);
        Assert.Equal((int)status, problem.Status);
        Assert.Equal(code, response.Headers.GetValues("Faas-Error").Single());
        return problem;
    }

    /// <summary>A function name that no other test uses.</summary>
    public static string NewName() => $"f-{Guid.NewGuid():N}"[..20];
}
