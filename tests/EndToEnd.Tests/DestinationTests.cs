using System.Text.Json.Nodes;
using FaasCluster.Contracts.Api;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Ends of invocations that invoke other functions.</summary>
public sealed class DestinationTests
{
    private const string Echo = "def handler(event, context):\n    return event\n";
    private const int MaximumDepth = 3;

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Ends_OfFunctions_InvokeTheirDestinationsAndLoopsEnd(string mode)
    {
        await using var platform = await Platform.StartAsync(
            mode, new Dictionary<string, string> { ["Destinations:MaximumDepth"] = $"{MaximumDepth}", ["Destinations:Interval"] = "00:00:00.1" }, workers: 1);
        var client = platform.Client;

        // 1. A success with a large event, which lies apart from its message, and a failure after its retries.
        await client.DeployFileAsync("app.py", Echo, "{name: audit, runtime: python3, handler: app.handler}");
        await client.DeployFileAsync("app.py", "def handler(event, context):\n    return len(event['requestPayload'])\n", "{name: measure, runtime: python3, handler: app.handler}");
        await client.DeployFileAsync("app.py", "def handler(event, context):\n    return len(event)\n", "{name: length, runtime: python3, handler: app.handler, onSuccess: {function: measure}}");
        await client.DeployFileAsync(
            "app.py",
            "def handler(event, context):\n    raise RuntimeError('always')\n",
            "{name: failing, runtime: python3, handler: app.handler, retries: {attempts: 1, backoff: [1s]}, onFailure: {function: audit}}");
        var succeeded = (await client.CallAsync("length", $"\"{new string('x', 300_000)}\""))!.Value;
        var failed = (await client.CallAsync("failing", """{"n":1}"""))!.Value;

        var told = await CausedAsync(client, succeeded);
        Assert.Equal(("measure", "destination", succeeded, 1), (told.Function, told.Trigger, told.CausedBy!.Value, told.Depth!.Value));
        Assert.Equal("300000", told.Result!.Text);
        var failure = JsonNode.Parse((await CausedAsync(client, failed)).Result!.Text!)!;
        Assert.Equal(("RetriesExhausted", 2), ((string?)failure["requestContext"]!["condition"], (int?)failure["requestContext"]!["approximateInvokeCount"]));
        Assert.Equal(("RuntimeError", "always"), ((string?)failure["responsePayload"]!["errorType"], (string?)failure["responsePayload"]!["errorMessage"]));
        Assert.Equal(1, (int?)failure["requestPayload"]!["n"]);

        // 2. A loop ends where the limit is, and says so.
        await client.DeployFileAsync("app.py", Echo, "{name: loop, runtime: python3, handler: app.handler, onSuccess: {function: loop}}");
        var current = (await client.CallAsync("loop"))!.Value;
        for (var depth = 1; depth <= MaximumDepth; depth++)
        {
            var next = await CausedAsync(client, current);
            Assert.Equal((depth, current), (next.Depth!.Value, next.CausedBy!.Value));
            current = next.Id;
        }

        var refused = await SettledAsync(client, current);
        Assert.Equal("dead", refused.State);
        Assert.Contains($"{MaximumDepth} are allowed (Destinations:MaximumDepth)", refused.LastError);
    }

    [Fact]
    public async Task End_WhoseProcessIsKilledBeforeItIsTold_IsToldByTheNext()
    {
        // There is nobody to tell until the process is killed, however long that takes.
        await using var platform = await EmbeddedPlatform.StartAsync(
            new Dictionary<string, string> { ["Destinations:Interval"] = "00:00:00.1", ["Destinations:LongestBackoff"] = "00:00:01" });
        await platform.Client.DeployFileAsync("app.py", Echo, "{name: first, runtime: python3, handler: app.handler, onSuccess: {function: audit}}");
        var id = (await platform.Client.CallAsync("first", "[1]"))!.Value;
        Assert.Equal("waiting", Assert.Single((await platform.Client.EndOfAsync(id)).Dispatches!).State);

        await platform.Host.KillAsync();
        await platform.StartHostAsync();
        await platform.Client.DeployFileAsync("app.py", Echo, "{name: audit, runtime: python3, handler: app.handler}");

        var record = JsonNode.Parse((await CausedAsync(platform.Client, id)).Result!.Text!)!;
        Assert.Equal("[1]", record["requestPayload"]!.ToJsonString());
    }

    private static async Task<InvocationDescription> CausedAsync(FaasClient client, Guid id)
    {
        var dispatch = await SettledAsync(client, id);
        Assert.True(dispatch.State == "delivered", dispatch.LastError);
        return await client.EndOfAsync(dispatch.BecameInvocation!.Value);
    }

    private static async Task<DispatchDescription> SettledAsync(FaasClient client, Guid id)
    {
        DispatchDescription? found = null;
        await Until.TrueAsync(
            async () =>
            {
                found = (await client.InvocationAsync(id)).Dispatches?.Single();
                return found is { State: not "waiting" };
            },
            $"the end of {id} is told or given up");
        return found!;
    }
}
