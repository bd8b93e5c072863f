using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.DeadLetters;

/// <summary>Asynchronous invocations as a client makes and watches them.</summary>
internal sealed class Submissions(GatewayFixture gateway)
{
    public Task<Guid> SubmitAsync(string path, string text) => SubmitAsync(path, new StringContent(text));

    public async Task<Guid> SubmitAsync(string path, HttpContent content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        request.Headers.Add("Prefer", "respond-async");
        using var response = await gateway.Client.SendAsync(request);
        Assert.True(response.StatusCode == HttpStatusCode.Accepted, await response.Content.ReadAsStringAsync());
        return (await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;
    }

    /// <summary>Returns the id when the invocation has ended.</summary>
    public async Task<Guid> EndAsync(Guid id)
    {
        await Until.TrueAsync(async () => (await FindAsync(id)).EndedAt is not null, $"invocation {id} ends");
        return id;
    }

    public Task<InvocationDescription> FindAsync(Guid id) => gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);
}
