using System.Net;
using System.Net.Http.Headers;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>What a newcomer does in the first five minutes, in both modes.</summary>
[Collection(SharedPlatforms.Definition.Name)]
public sealed class FirstFunctionTests(SharedPlatforms platforms) : IDisposable
{
    public void Dispose() => platforms.Tell();

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Examples_DeployedAndCalled_AnswerAsTheReadmeSays(string mode)
    {
        var platform = await platforms.GetAsync(mode);
        var client = platform.Client;

        await client.DeployDirectoryAsync(Repository.Example("hello-python"));
        using var anonymous = new HttpClient { BaseAddress = client.Http.BaseAddress };
        Assert.Equal("""{"message": "Hello, Ada!"}""", await anonymous.GetStringAsync("/fn/hello?name=Ada"));
        Assert.Equal("""{"message": "Hello, World!"}""", await anonymous.GetStringAsync("/fn/hello"));

        await client.DeployDirectoryAsync(Repository.Example("hello-node"));
        using var node = await client.InvokeAsync("hello-node", """{"name":"Ada"}""");
        Assert.Equal(HttpStatusCode.OK, node.StatusCode);
        Assert.Contains("Hello, Ada!", await node.Content.ReadAsStringAsync());

        await client.DeployDirectoryAsync(Repository.Example("wordcount"));
        using var words = await client.InvokeAsync("wordcount", "to be or not to be");
        Assert.Equal(HttpStatusCode.OK, words.StatusCode);
        Assert.Contains("6", await words.Content.ReadAsStringAsync());

        await client.DeployDirectoryAsync(Repository.Example("log-summary-shell"));
        using var summary = await client.InvokeAsync("log-summary", "GET / 200\nGET /a 200\n");
        Assert.Equal("""{"200":2}""" + "\n", await summary.Content.ReadAsStringAsync());
        using var failed = await client.InvokeAsync("log-summary", "nothing");
        Assert.Equal(HttpStatusCode.BadGateway, failed.StatusCode);
        Assert.Contains("Shell.Failed", await failed.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task WebAssembly_CompiledFromC_ConvertsWhatIsPosted(string mode)
    {
        var directory = Directory.CreateTempSubdirectory("faas-csv2json-");
        try
        {
            await CsvExample.BuildAsync(directory.FullName);
            var platform = await platforms.GetAsync(mode);
            await platform.Client.DeployDirectoryAsync(directory.FullName);

            using var body = new StringContent("name,age\nAda,36\n");
            using var answer = await platform.Client.Http.PostAsync("/fn/csv2json", body);

            Assert.Equal("""[{"name":"Ada","age":36}]""" + "\n", await answer.Content.ReadAsStringAsync());
            Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
            var record = await platform.Client.EndOfAsync(FaasClient.IdOf(answer));
            Assert.Equal("succeeded", record.State);
            Assert.True(Assert.Single(record.Attempts!).PeakMemoryMb > 0);
        }
        finally
        {
            Directories.Delete(directory.FullName);
        }
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Thumbnail_PhotographOfSeveralMegapixels_ComesBackInTheAskedSize(string mode)
    {
        var platform = await platforms.GetAsync(mode);
        await platform.Client.DeployDirectoryAsync(Repository.Example("thumbnail"));

        using var body = new ByteArrayContent(await File.ReadAllBytesAsync(Photographs.Butterfly));
        body.Headers.ContentType = new MediaTypeHeaderValue("image/jpeg");
        using var answer = await platform.Client.Http.PostAsync("/fn/thumbnail?width=200", body);

        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        Assert.Equal("image/jpeg", answer.Content.Headers.ContentType?.MediaType);
        var picture = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal(200, Photographs.SizeOf(picture).Width);
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task Invocation_ThatEnded_HasItsTimesItsLogAndItsBill(string mode)
    {
        var platform = await platforms.GetAsync(mode);
        await platform.Client.DeployFileAsync(
            "app.py",
            """
            import sys
            def handler(event, context):
                print("to stdout", event["n"])
                print("to stderr", file=sys.stderr)
                return {"doubled": event["n"] * 2}
            """,
            "{name: doubler, runtime: python3, handler: app.handler}");

        using var cold = await platform.Client.InvokeAsync("doubler", """{"n":21}""");
        Assert.Equal("""{"doubled": 42}""", await cold.Content.ReadAsStringAsync());
        var calls = 1;
        await Until.TrueAsync(
            async () =>
            {
                calls++;
                using var answer = await platform.Client.InvokeAsync("doubler", """{"n":1}""");
                return answer.Headers.GetValues("Faas-Start").Single() == "warm";
            },
            "a warm sandbox answers");

        var record = await platform.Client.EndOfAsync(FaasClient.IdOf(cold));
        var attempt = Assert.Single(record.Attempts!);
        Assert.Equal("succeeded", record.State);
        Assert.True(attempt.Cold);
        Assert.True(attempt.InitMs > 0 && attempt.RunMs > 0);
        Assert.True(attempt.BilledMs >= 1 && attempt.Cost > 0);

        IReadOnlyList<Contracts.Api.LogLineDescription> lines = [];
        await Until.TrueAsync(async () => (lines = await platform.Client.LogsAsync(record.Id)).Count >= 2, "log lines are stored");
        Assert.Contains(lines, line => line is { Stream: "stdout", Text: "to stdout 21" });
        Assert.Contains(lines, line => line is { Stream: "stderr", Text: "to stderr" });

        // Of the last calls too, which may have been answered before their records were there.
        (long Attempts, long ColdStarts) counted = default;
        await Until.TrueAsync(
            async () =>
            {
                var usage = Assert.Single((await platform.Client.UsageAsync()).Functions, usage => usage.Function == "doubler");
                counted = (usage.Attempts, usage.ColdStarts);
                return counted == (calls, calls - 1);
            },
            $"{calls} calls are counted, one of them warm",
            seen: () => $"{counted}");
    }
}
