using System.Net;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>What a function reaches by default.</summary>
public sealed class NetworkTests
{
    private const string Code =
        """
        import os, urllib.request
        def handler(event, context):
            with urllib.request.urlopen(os.environ["FAAS_ENDPOINT"] + "/healthz", timeout=10) as answer:
                reached = answer.read().decode()
            try:
                urllib.request.urlopen("http://169.254.169.254/latest/meta-data/", timeout=10)
            except OSError:
                return reached
        """;

    [Fact]
    public async Task Function_ReachesTheGatewayAndNoMetadata_AndItsLogSaysSo()
    {
        await using var platform = await Platform.StartAsync("embedded");
        var client = platform.Client;
        await client.DeployFileAsync("app.py", Code, "{name: net, runtime: python3, handler: app.handler}");

        using var answer = await client.InvokeAsync("net");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("\"ok\"", await answer.Content.ReadAsStringAsync());
        var id = (await client.EndOfAsync(FaasClient.IdOf(answer))).Id;
        await Until.TrueAsync(
            async () => (await client.LogsAsync(id)).Any(line => line.Stream == "platform" && line.Text.StartsWith("connection to 169.254.169.254:80 refused", StringComparison.Ordinal)),
            "a line about the refusal in the log");
    }
}
