using System.Text;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>What real clients put on the wire, byte by byte.</summary>
public sealed class RuntimeApiWireTests(RuntimeApiFixture api) : IClassFixture<RuntimeApiFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Go_PostsChunkedWithTrailersThatStayEmpty()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();
        using var client = await api.ConnectAsync();

        await client.SendLinesAsync(
            $"POST /2018-06-01/runtime/invocation/{invocation.Id}/response HTTP/1.1",
            "Host: 127.0.0.1:9001",
            "User-Agent: aws-lambda-go/go1.22.4",
            "Transfer-Encoding: chunked",
            "Content-Type: application/json",
            "Trailer: Lambda-Runtime-Function-Error-Type,Lambda-Runtime-Function-Error-Body",
            "Accept-Encoding: gzip",
            "",
            "7",
            "{\"a\":1}",
            "0",
            "Lambda-Runtime-Function-Error-Type: ",
            "Lambda-Runtime-Function-Error-Body: ",
            "",
            "");

        Assert.StartsWith("HTTP/1.1 202 Accepted", (await client.ReadAsync()).Head, StringComparison.Ordinal);
        Assert.Equal("{\"a\":1}", Encoding.UTF8.GetString((await invocation.Answer.WaitAsync(Patience)).Payload.Span));
    }

    [Fact]
    public async Task Node_SendsATrailerThatItDidNotDeclare()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();
        using var client = await api.ConnectAsync();
        var body = Convert.ToBase64String("""{"errorMessage":"broke in the middle","errorType":"Midway","stackTrace":["x"]}"""u8);

        await client.SendLinesAsync(
            $"POST /2018-06-01/runtime/invocation/{invocation.Id}/response HTTP/1.1",
            "Host: 127.0.0.1:9001",
            "Transfer-Encoding: chunked",
            "Trailer: Lambda-Runtime-Function-Error-Type",
            "Lambda-Runtime-Function-Response-Mode: streaming",
            "Content-Type: application/octet-stream",
            "",
            "3",
            "abc",
            "0",
            "Lambda-Runtime-Function-Error-Type: Runtime.Midway",
            $"Lambda-Runtime-Function-Error-Body: {body}",
            "",
            "");

        Assert.StartsWith("HTTP/1.1 202 Accepted", (await client.ReadAsync()).Head, StringComparison.Ordinal);
        var error = (await invocation.Answer.WaitAsync(Patience)).Error!;
        Assert.Equal((ErrorCode.FunctionError, "Midway", "broke in the middle", "x"), (error.Code, error.Type, error.Message, Assert.Single(error.StackTrace)));
    }

    [Fact]
    public async Task Streamed_AnswerReachesTheCallerPieceByPiece()
    {
        await api.AttachFreshAsync();
        var invocation = RuntimeApiFixture.Invocation(isHttp: true);
        var pieces = (PieceLog)invocation.Response;
        api.Session.Begin(invocation);
        using var next = await api.NextAsync();
        using var client = await api.ConnectAsync();
        await client.SendLinesAsync(
            $"POST /2018-06-01/runtime/invocation/{invocation.Id}/response HTTP/1.1",
            "Host: x",
            "Transfer-Encoding: chunked",
            "Lambda-Runtime-Function-Response-Mode: streaming",
            "Content-Type: application/vnd.awslambda.http-integration-response",
            "",
            "");
        const string Prelude = """{"statusCode":203,"headers":{"content-type":"text/event-stream","x-a":"1"},"cookies":["c=1"]}""";
        foreach (var part in new[] { Prelude[..20], Prelude[20..] + "\0\0\0", "\0\0\0\0\0one" })
        {
            await client.SendAsync($"{part.Length:x}\r\n{part}\r\n");
        }

        await Wait.UntilAsync(() => pieces.Text == "one", () => pieces.Text);
        Assert.Equal((203, "text/event-stream"), (pieces.Head!.HttpStatus, pieces.Head.ContentType));
        Assert.Equal([KeyValuePair.Create("x-a", "1"), KeyValuePair.Create("Set-Cookie", "c=1")], pieces.Head.Headers);
        Assert.False(invocation.Answer.IsCompleted);
        await client.SendAsync("3\r\ntwo\r\n0\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 202", (await client.ReadAsync()).Head, StringComparison.Ordinal);
        Assert.True((await invocation.Answer.WaitAsync(Patience)).IsStreamed);
        Assert.Equal("onetwo", pieces.Text);
    }

    [Theory]
    [InlineData("{}", 200, "application/octet-stream", null)]
    [InlineData("""{"statusCode":99}""", null, null, "statusCode 99")]
    [InlineData("[]", null, null, "no JSON object")]
    [InlineData("nonsense", null, null, "no JSON")]
    public async Task Prelude_OfAStreamedAnswer_IsChecked(string prelude, int? status, string? type, string? problem)
    {
        await api.AttachFreshAsync();
        var invocation = RuntimeApiFixture.Invocation(isHttp: true);
        api.Session.Begin(invocation);
        using var next = await api.NextAsync();
        using var client = await api.ConnectAsync();
        await client.SendLinesAsync(
            $"POST /2018-06-01/runtime/invocation/{invocation.Id}/response HTTP/1.1",
            "Host: x",
            "Lambda-Runtime-Function-Response-Mode: streaming",
            "Content-Type: application/vnd.awslambda.http-integration-response",
            $"Content-Length: {prelude.Length + 8}",
            "",
            prelude + "\0\0\0\0\0\0\0\0");

        var answer = await invocation.Answer.WaitAsync(Patience);

        var head = ((PieceLog)invocation.Response).Head;
        Assert.Equal((status, type), (head?.HttpStatus, head?.ContentType));
        Assert.Equal(problem is null, answer.Error is null);
        Assert.Contains(problem ?? "", answer.Error?.Message ?? "");
    }

    [Fact]
    public async Task XRayCause_OfAMebibyte_IsAccepted()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();
        using var client = await api.ConnectAsync();

        await client.SendLinesAsync(
            $"POST /2018-06-01/runtime/invocation/{invocation.Id}/error HTTP/1.1",
            "Host: x",
            "Content-Type: application/vnd.aws.lambda.error+json",
            "Lambda-Runtime-Function-XRay-Error-Cause: " + new string('x', 1 << 20),
            "Content-Length: 20",
            "",
            "{\"errorMessage\":\"x\"}");

        Assert.StartsWith("HTTP/1.1 202 Accepted", (await client.ReadAsync()).Head, StringComparison.Ordinal);
        Assert.Equal("x", (await invocation.Answer.WaitAsync(Patience)).Error!.Message);
    }

    [Fact]
    public async Task Requests_OnOneConnection_AreAnsweredInTheirOrder()
    {
        await api.AttachFreshAsync();
        var first = RuntimeApiFixture.Invocation("1");
        api.Session.Begin(first);
        using var client = await api.ConnectAsync();

        // All at once: next, the answer, a second answer, the next next.
        var post = $"POST /2018-06-01/runtime/invocation/{first.Id}/response HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n";
        const string Next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
        await client.SendAsync(Next + post + "a" + post + "b" + Next);

        Assert.Equal("1", (await client.ReadAsync()).Body);
        Assert.StartsWith("HTTP/1.1 202", (await client.ReadAsync()).Head, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 403", (await client.ReadAsync()).Head, StringComparison.Ordinal);
        await api.Session.Ready.WaitAsync(Patience);
        api.Session.Begin(RuntimeApiFixture.Invocation("2"));
        Assert.Equal("2", (await client.ReadAsync()).Body);
        Assert.Equal("a", Encoding.UTF8.GetString((await first.Answer).Payload.Span));
    }

    [Fact]
    public async Task Bytes_OneByOne_AreARequestAsWell()
    {
        await api.AttachFreshAsync();
        api.Session.Begin(RuntimeApiFixture.Invocation("\"slow\""));
        using var client = await api.ConnectAsync();
        foreach (var letter in "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: x\r\n\r\n")
        {
            await client.SendAsync(letter.ToString());
        }

        Assert.Equal("\"slow\"", (await client.ReadAsync()).Body);
    }

    [Fact]
    public async Task Connection_ThatIsIdle_IsKept()
    {
        await api.AttachFreshAsync();
        using var fresh = await api.ConnectAsync();
        using var used = await api.ConnectAsync();
        const string Ping = "GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n";
        await used.SendAsync(Ping);
        await used.ReadAsync();
        await fresh.SendAsync(Ping[..20]);

        // Kestrel looks at its timeouts once a second.
        var ends = fresh.Socket.ReceiveAsync(new byte[1], System.Net.Sockets.SocketFlags.Peek);
        await Assert.ThrowsAsync<TimeoutException>(() => ends.WaitAsync(TimeSpan.FromSeconds(2.5)));

        await used.SendAsync(Ping);
        Assert.Equal("pong", (await used.ReadAsync()).Body);
        await fresh.SendAsync(Ping[20..]);
        Assert.Equal("pong", (await fresh.ReadAsync()).Body);
    }

    [Fact]
    public async Task Clients_OfHttp10AndThoseThatClose_GetTheirAnswer()
    {
        foreach (var request in new[] { "GET /2018-06-01/runtime/invocation/next HTTP/1.0\r\n\r\n", "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" })
        {
            await api.AttachFreshAsync();
            api.Session.Begin(RuntimeApiFixture.Invocation("1"));
            using var client = await api.ConnectAsync();
            await client.SendAsync(request);
            Assert.Equal("1", (await client.ReadAsync()).Body);
            Assert.True(await client.EndsAsync());
        }
    }

    [Fact]
    public async Task Curl_ThatAsksBeforeItSends_IsToldToGoOn()
    {
        await api.AttachFreshAsync();
        var invocation = await api.RunningAsync();
        using var client = await api.ConnectAsync();
        await client.SendLinesAsync(
            $"POST /2018-06-01/runtime/invocation/{invocation.Id}/response HTTP/1.1", "Host: x", "Content-Length: 4", "Content-Type: application/x-www-form-urlencoded", "Expect: 100-continue", "", "");
        var go = new byte[64];
        var count = await client.Socket.ReceiveAsync(go).WaitAsync(Patience);
        Assert.Equal("HTTP/1.1 100 Continue\r\n\r\n", Encoding.Latin1.GetString(go, 0, count));

        await client.SendAsync("done");

        Assert.StartsWith("HTTP/1.1 202", (await client.ReadAsync()).Head, StringComparison.Ordinal);
        Assert.Equal("done", Encoding.UTF8.GetString((await invocation.Answer.WaitAsync(Patience)).Payload.Span));
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    [InlineData("POST /2018-06-01/runtime/init/error HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n")]
    public async Task Nonsense_EndsItsConnectionAlone(string text)
    {
        await api.AttachFreshAsync();
        using var other = await api.ConnectAsync();
        using (var client = await api.ConnectAsync())
        {
            await client.SendAsync(text);
            var answer = new MemoryStream();
            var buffer = new byte[4096];
            for (int count; (count = await ReceiveAsync(client, buffer)) > 0;)
            {
                answer.Write(buffer, 0, count);
            }

            Assert.DoesNotContain(" 202 ", Encoding.Latin1.GetString(answer.ToArray()));
        }

        await other.SendLinesAsync("GET /2018-06-01/ping HTTP/1.1", "Host: x", "", "");
        Assert.Equal("pong", (await other.ReadAsync()).Body);
    }

    [Fact]
    public async Task Connections_BeyondTheLimit_WaitForOneToEnd()
    {
        await api.AttachFreshAsync();
        var clients = new List<RawClient>();
        for (var i = 0; i < 17; i++)
        {
            clients.Add(await api.ConnectAsync());
            await clients[i].SendLinesAsync("GET /2018-06-01/ping HTTP/1.1", "Host: x", "", "");
        }

        await Task.WhenAll(clients.Take(16).Select(client => client.ReadAsync()));
        var last = clients[16].ReadAsync();
        Assert.False(last.IsCompleted);
        clients[0].Dispose();
        Assert.Equal("pong", (await last).Body);
        clients.ForEach(client => client.Dispose());
        await api.Endpoint.WhenDrainedAsync().WaitAsync(Patience);
    }

    private static async Task<int> ReceiveAsync(RawClient client, byte[] buffer)
    {
        try
        {
            return await client.Socket.ReceiveAsync(buffer).WaitAsync(Patience);
        }
        catch (System.Net.Sockets.SocketException)
        {
            return 0;
        }
    }
}
