using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>What did not succeed is run again after a repair, by the command, on real processes.</summary>
public sealed class DeadLetterTests
{
    [Fact]
    public async Task Redrive_AfterARepair_SucceedsOnceAndASecondOneChangesNothing()
    {
        using var place = new Workplace();
        await using var platform = await Platform.StartAsync("cluster", workers: 1);
        await DeployAsync("raise ValueError('no width')");
        var failed = await platform.Client.EndOfAsync((await platform.Client.CallAsync("width", """{"width": 7}"""))!.Value);
        Assert.Equal("failed", failed.State);
        Assert.Contains($"{failed.Id}", await FaasAsync("dead-letters list width"));
        Assert.Contains("ValueError: no width", await FaasAsync($"dead-letters show {failed.Id}"));

        await DeployAsync("return event['width'] * 2");
        Assert.Equal("14", await FaasAsync($"dead-letters redrive {failed.Id} --wait"));

        var letter = await FaasAsync("dead-letters list width --state redriven");
        var (status, output, error) = await RunAsync($"dead-letters redrive {failed.Id}");
        Assert.Equal((2, ""), (status, output));
        Assert.Contains("re-driven already", error);
        Assert.Equal(letter, await FaasAsync("dead-letters list width --state redriven"));
        Assert.Equal(3, (await FaasAsync("invocations width")).TrimEnd().Split('\n').Length);
        Assert.Equal(2, Assert.Single((await platform.Client.UsageAsync()).Functions).Attempts);

        // A check that a busy machine leaves no time for finds the store slow.
        await Until.TrueAsync(async () => await RunAsync("doctor") is { Status: 0 } doctor && !doctor.Output.Contains("BAD", StringComparison.Ordinal), "the doctor finds nothing");

        Task DeployAsync(string statement) => platform.Client.DeployFileAsync(
            "app.py", $"def handler(event, context):\n    {statement}\n", "{name: width, runtime: python3, handler: app.handler, retries: {attempts: 0}}");

        async Task<string> FaasAsync(string arguments)
        {
            var (exit, text, said) = await RunAsync(arguments);
            Assert.True(exit == 0, $"faas {arguments} ended with {exit}: {text} {said}\n{platform.Output}");
            return text;
        }

        Task<(int Status, string Output, string Error)> RunAsync(string arguments) => place.RunAsync(
            $"FAAS_URL={platform.Client.Http.BaseAddress} FAAS_KEY={platform.Client.Http.DefaultRequestHeaders.Authorization!.Parameter} ./faas {arguments}");
    }
}
