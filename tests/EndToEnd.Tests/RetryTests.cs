using System.Net;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Asynchronous invocations that fail come again by the function's policy, through the outbox.</summary>
[Collection(SharedPlatforms.Definition.Name)]
public sealed class RetryTests(SharedPlatforms platforms) : IDisposable
{
    public void Dispose() => platforms.Tell();

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task AsynchronousInvocation_ThatFails_IsTriedAgainAndEachAttemptIsBilledOnce(string mode)
    {
        var platform = await platforms.GetAsync(mode);
        await platform.Client.DeployFileAsync(
            "app.py",
            "def handler(event, context):\n    raise RuntimeError('always')\n",
            "{name: failing, runtime: python3, handler: app.handler, retries: {attempts: 1, backoff: [1s]}}");

        var id = await platform.Client.CallAsync("failing", """{"n":1}""");
        var ended = await platform.Client.EndOfAsync(id!.Value);

        Assert.Equal("failed", ended.State);
        Assert.Equal([1, 2], ended.Attempts!.Select(attempt => attempt.Attempt));
        Assert.All(ended.Attempts!, attempt => Assert.Equal("function_error", attempt.Error));
        Assert.All(ended.Attempts!, attempt => Assert.True(attempt.BilledMs >= 1));
        Assert.Equal("RuntimeError", ended.Error!.Type);
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task AsynchronousInvocation_ThatSaysWhenToComeAgain_ComesThen(string mode)
    {
        // The policy alone would wait for an hour, twice: what the function says is what counts.
        var platform = await platforms.GetAsync(mode);
        await platform.Client.DeployFileAsync(
            "app.py",
            """
            from faas import DoNotRetry, RetryAfter

            def handler(event, context):
                if context.attempt == 1:
                    raise RetryAfter(1, "not yet")
                raise DoNotRetry("the event is wrong")
            """,
            "{name: advising, runtime: python3, handler: app.handler, retries: {attempts: 5, backoff: [1h]}}");

        var id = await platform.Client.CallAsync("advising", """{"n":1}""");
        var ended = await platform.Client.EndOfAsync(id!.Value);

        Assert.Equal("failed", ended.State);
        Assert.Equal([1, 2], ended.Attempts!.Select(attempt => attempt.Attempt));
        Assert.True(ended.Attempts![1].StartedAt - ended.Attempts[0].EndedAt >= TimeSpan.FromSeconds(0.9), "it came too early");
        Assert.Equal("faas.DoNotRetry", ended.Error!.Type);
    }

    [Theory]
    [InlineData("embedded")]
    [InlineData("cluster")]
    public async Task AsynchronousInvocation_WithALargePayload_ReachesTheFunctionWhole(string mode)
    {
        var platform = await platforms.GetAsync(mode);
        await platform.Client.DeployFileAsync("app.py", "def handler(event, context):\n    return len(event)\n", "{name: length, runtime: python3, handler: app.handler}");

        var id = await platform.Client.CallAsync("length", $"\"{new string('x', 900_000)}\"");
        var ended = await platform.Client.EndOfAsync(id!.Value);

        Assert.Equal("900000", ended.Result!.Text);
    }

    [Fact]
    public async Task Fault20_DeployWhileInvoked_EveryCallIsAnsweredByOneWholeRevision()
    {
        var platform = await platforms.GetAsync("cluster");
        await DeployVersionAsync(1);
        using var stop = new CancellationTokenSource();
        var answers = new System.Collections.Concurrent.ConcurrentBag<(HttpStatusCode Status, string Body)>();
        var callers = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var answer = await platform.Client.InvokeAsync("versioned");
                answers.Add((answer.StatusCode, await answer.Content.ReadAsStringAsync()));
            }
        })).ToArray();
        for (var version = 2; version <= 6; version++)
        {
            var seen = answers.Count;
            await Until.TrueAsync(() => answers.Count > seen + 20, "calls flow");
            await DeployVersionAsync(version);
        }

        await Until.TrueAsync(() => answers.Any(answer => answer.Body == "\"6-6\""), "the last revision answers");
        await stop.CancelAsync();
        await Task.WhenAll(callers);
        Assert.All(answers, answer => Assert.True(answer.Status == HttpStatusCode.OK, answer.Body));
        Assert.All(answers, answer => Assert.Equal(answer.Body[1], answer.Body[3]));

        Task DeployVersionAsync(int version) => platform.Client.DeployFileAsync(
            "app.py",
            $"import os\ndef handler(event, context):\n    return '{version}-' + os.environ['VERSION']\n",
            $"{{name: versioned, runtime: python3, handler: app.handler, env: {{VERSION: '{version}'}}}}");
    }
}
