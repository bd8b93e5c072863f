using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Dispatches;

/// <summary>Asynchronous calls of the default account, and what follows their ends.</summary>
internal static class Ends
{
    public static async Task<Guid> SubmitAsync(this GatewayFixture gateway, string function, string body = "{}", Uri? callback = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/functions/{function}/invocations") { Content = new StringContent(body) };
        request.Headers.Add("Prefer", "respond-async");
        if (callback is not null)
        {
            request.Headers.Add("Faas-Callback-Url", callback.AbsoluteUri);
        }

        using var answer = await gateway.Client.SendAsync(request);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
        return (await answer.ReadAsync(ApiJson.Default.AcceptedDescription)).Id;
    }

    public static Task<InvocationDescription> FindAsync(this GatewayFixture gateway, Guid id) =>
        gateway.Client.GetAsync($"/api/invocations/{id}", ApiJson.Default.InvocationDescription);

    public static Task<InvocationDescription> EndAsync(this GatewayFixture gateway, Guid id) => Until.NotNullAsync(
        async () => await gateway.FindAsync(id) is { State: not ("queued" or "running") } ended ? ended : null, $"invocation {id} ended");

    /// <summary>Makes their deliveries older than any may become: the next one that fails is the last.</summary>
    public static Task AgeAsync(this GatewayFixture gateway, params IEnumerable<Guid> ids) => gateway.ExecuteAsync(
        $"UPDATE dispatches SET began_at = '2020-01-01 00:00:00+00:00' WHERE lower(CAST(invocation_id AS text)) IN ({string.Join(", ", ids.Select(id => $"'{id}'"))})");

    /// <summary>The only dispatch, once it is delivered or dead.</summary>
    public static Task<DispatchDescription> SettledAsync(this GatewayFixture gateway, Guid id) => Until.NotNullAsync(
        async () => (await gateway.FindAsync(id)).Dispatches is [{ State: not "waiting" } settled] ? settled : null, $"the end of {id} is told or given up");

    /// <summary>The only dispatch, once a delivery of it failed.</summary>
    public static Task<DispatchDescription> PutOffAsync(this GatewayFixture gateway, Guid id) => Until.NotNullAsync(
        async () => (await gateway.FindAsync(id)).Dispatches is [{ LastError: not null } failed] ? failed : null, $"a delivery of the end of {id} failed");
}
