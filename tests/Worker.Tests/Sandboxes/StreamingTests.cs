using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Answers in pieces, in every form that a runtime has for them.</summary>
public sealed class StreamingTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    [Theory]
    [InlineData("def handler(event, context):\n    yield 'a'\n    yield b'b'\n    yield 'ü'", "text/plain; charset=utf-8", "a|b|ü", null)]
    [InlineData("def handler(event, context):\n    yield b'a'\n    yield bytearray(b'b')", "application/octet-stream", "a|b", null)]
    [InlineData("async def handler(event, context):\n    import asyncio\n    yield 'a'\n    await asyncio.sleep(0.01)\n    yield 'b'", "text/plain; charset=utf-8", "a|b", null)]
    [InlineData("async def handler(event, context):\n    return iter(['a', 'b'])", "text/plain; charset=utf-8", "a|b", null)]
    [InlineData("def handler(event, context):\n    return (x for x in [])", "application/octet-stream", "", null)]
    [InlineData(
        "def handler(event, context):\n    return {'statusCode': '201', 'headers': {'Content-Type': 'text/event-stream', 'X-One': 1}, 'cookies': ['c=1'], 'body': (x for x in ['a', 'b'])}",
        "text/event-stream", "a|b", "201 X-One=1 Set-Cookie=c=1")]
    [InlineData("def handler(request):\n    return (x for x in ['a', 'b']), 201, {'Content-Type': 'text/event-stream', 'X-One': '1'}", "text/event-stream", "a|b", "201 X-One=1")]
    [InlineData("def handler(request):\n    yield 'a'\n    yield request.method", "text/html; charset=utf-8", "a|POST", "200 ")]
    [InlineData(
        "from werkzeug.wrappers import Response\ndef handler(request):\n    return Response((x for x in ['a', 'b']), 201, {'X-One': '1'}, mimetype='text/event-stream')",
        "text/event-stream; charset=utf-8", "a|b", "201 X-One=1")]
    [InlineData(
        "def application(environ, start_response):\n    start_response('201 Created', [('Content-Type', 'text/event-stream')])\n    yield b'a'\n    yield b'b'\ndef handler(request):\n    return application",
        "text/event-stream", "a|b", "201 ")]
    [InlineData("def handler(request):\n    import io\n    return io.BytesIO(b'x' * 100000), {'Content-Type': 'x/y'}", "x/y", null, "200 ")]
    public async Task Python_ValueToBeIterated_ComesInPieces(string code, string contentType, string? pieces, string? head) =>
        await AssertPiecesAsync(fixture.Python(code), contentType, pieces, head);

    [Theory]
    [InlineData("async (event, stream, context) => { stream.write('a'); stream.write(Buffer.from('b')); stream.end(); }", "application/octet-stream", "a|b", "200 ")]
    [InlineData("async (event, stream) => { stream.setContentType('text/plain'); stream.write('a'); }", "text/plain", "a", "200 ")]
    [InlineData("async (event, stream) => { awslambda.HttpResponseStream.from(stream, { statusCode: 204 }).end(); }", "application/octet-stream", "", "204 ")]
    [InlineData(
        "async (event, stream) => { stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'content-type': 'text/event-stream', 'X-One': 1 }, cookies: ['c=1'] });\n"
        + "stream.write('a'); await new Promise(setImmediate); stream.write('b'); stream.end(); }",
        "text/event-stream", "a|b", "201 X-One=1 Set-Cookie=c=1")]
    [InlineData(
        "async (event, stream) => { await require('node:stream/promises').pipeline(require('node:stream').Readable.from(['a', 'b']), stream); }", "application/octet-stream", "a|b", "200 ")]
    [InlineData("async (event, stream) => { require('node:stream').Readable.from(['a', 'b']).pipe(stream); }", "application/octet-stream", "a|b", "200 ")]
    [InlineData("async (event, stream) => { stream.end('x'.repeat(100000)); }", "application/octet-stream", null, "200 ")]
    public async Task Node_StreamifiedHandler_ComesInPieces(string code, string contentType, string? pieces, string head) =>
        await AssertPiecesAsync(fixture.Node($"exports.handler = awslambda.streamifyResponse({code});"), contentType, pieces, head);

    [Theory]
    [InlineData("(req, res) => { res.writeHead(201, { 'Content-Type': 'text/event-stream', 'X-One': '1' }); res.write('a'); setTimeout(() => { res.write('b'); res.end('c'); }, 5); }", "text/event-stream", "a|b|c", "201 X-One=1")]
    [InlineData("async (req, res) => { res.type('text').flushHeaders(); if (!res.headersSent) throw new Error(); await new Promise(setImmediate); res.end('a'); }", "text/plain; charset=utf-8", "|a", "200 ")]
    [InlineData("(req, res) => { res.write('x'.repeat(50000)); res.write('x'.repeat(50000)); res.end(); }", "text/html; charset=utf-8", null, "200 ")]
    [InlineData("(req, res) => { require('node:stream').Readable.from((async function* () { yield 'a'; await new Promise((r) => setTimeout(r, 5)); yield 'b'; })()).pipe(res); }", "text/html; charset=utf-8", "a|b", "200 ")]
    public async Task Node_HttpResponseThatIsNotEndedAtOnce_ComesInPieces(string code, string contentType, string? pieces, string head) =>
        await AssertPiecesAsync(fixture.Node($"exports.handler = {code};", m => m with { Signature = HandlerSignature.Http }), contentType, pieces, head);

    [Fact]
    public async Task Node_HttpResponseWrittenAndEndedInOneGo_IsOneAnswer()
    {
        var response = new TestResponse();
        var outcome = await RunAsync(fixture.Node("exports.handler = (req, res) => { res.write('a'); res.end('b'); };", m => m with { Signature = HandlerSignature.Http }), response);

        Assert.Equal("ab", SandboxFixture.Text(outcome));
        Assert.False(response.Head.Task.IsCompleted);
    }

    [Theory]
    [InlineData("python3", "def handler(event, context):\n    if event:\n        return 'fine'\n    return pieces()\ndef pieces():\n    yield 'a'\n    yield 'b'\n    raise KeyError('boom')", "KeyError", "'boom'")]
    [InlineData("python3", "def handler(event, context):\n    if event:\n        return 'fine'\n    return iter(['a', 'b', {}])", "TypeError", "The handler yielded a dict; expected str or bytes")]
    [InlineData("nodejs", "exports.handler = awslambda.streamifyResponse(async (event, stream) => { stream.write(event.n ? '\"fine\"' : 'a'); if (event.n) return; stream.write('b'); await new Promise(setImmediate); throw new RangeError('boom'); });", "RangeError", "boom")]
    [InlineData("nodejs", "exports.handler = awslambda.streamifyResponse(async (event, stream) => { if (event.n) { stream.end('\"fine\"'); return; } stream.write('a'); stream.write('b'); await new Promise(setImmediate); stream.destroy(new Error('boom')); });", "Error", "boom")]
    [InlineData("nodejs", "exports.handler = awslambda.streamifyResponse(async (event, stream) => { if (event.n) { stream.end('\"fine\"'); return; } stream.write('a'); stream.write('b'); await new Promise(setImmediate); stream.destroy(); });", "Runtime.StreamError", "The response stream was destroyed before its end")]
    public async Task Error_InMidStream_ComesBehindWhatWasWrittenAndLeavesTheSandboxUsable(string runtime, string code, string type, string message)
    {
        await using var sandbox = await fixture.StartAsync(runtime == "nodejs" ? fixture.Node(code) : fixture.Python(code));
        var response = new TestResponse();
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision), new TestLog(), response, CancellationToken.None).WaitAsync(Patience);

        var error = SandboxFixture.Error(outcome, ErrorCode.FunctionError);
        Assert.Equal((type, message), (error.Type, error.Message));
        Assert.Equal("ab", response.Text);
        Assert.True(sandbox.IsUsable);
        Assert.Equal("\"fine\"", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision, """{"n":1}"""), new TestLog(), CancellationToken.None)));
    }

    [Theory]
    [InlineData("python3", "def handler(event, context):\n    for i in range(200):\n        print(i)\n        yield 'x' * 65536")]
    [InlineData(
        "nodejs",
        "exports.handler = awslambda.streamifyResponse(async (event, stream) => { for (let i = 0; i < 200; i++) { console.log(i); if (!stream.write('x'.repeat(65536))) await new Promise((r) => stream.once('drain', r)); } });")]
    public async Task Caller_ThatDoesNotRead_StopsItsFunctionAndNothingElse(string runtime, string code)
    {
        await using var sandbox = await fixture.StartAsync(runtime == "nodejs" ? fixture.Node(code) : fixture.Python(code));
        var (response, log) = (new TestResponse(room: 2), new TestLog());
        var run = sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision), log, response, CancellationToken.None);
        await Wait.UntilAsync(() => response.Pieces.Count == 3);

        // Whole cold starts of another function: time in which one that is not held up makes thousands of pieces.
        for (var i = 0; i < 3; i++)
        {
            SandboxFixture.Text(await fixture.RunAsync(fixture.Python($"def handler(event, context): return {i}")));
        }

        Assert.False(run.IsCompleted);
        Assert.InRange(log.Lines.Count, 3, 20);
        response.GiveRoom(1000);
        Assert.Null((await run.WaitAsync(Patience)).Error);
        Assert.Equal(200 * 65536, response.Text.Length);
        Assert.Equal(200, log.Lines.Count);
    }

    [Theory]
    [InlineData("while True:\n        yield 'x' * 1000")]
    [InlineData("yield 'x' * 1000\n    import time\n    time.sleep(1000)")]
    public async Task Timeout_CountsAlsoWhileTheCallerDoesNotRead(string body)
    {
        await using var sandbox = await fixture.StartAsync(fixture.Python($"def handler(event, context):\n    {body}", m => m with { Timeout = TimeSpan.FromSeconds(1) }));
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision), new TestLog(), new TestResponse(room: 0), CancellationToken.None).WaitAsync(Patience);

        SandboxFixture.Error(outcome, ErrorCode.Timeout);
        Assert.InRange(outcome.Run.TotalSeconds, 0.9, 60);
    }

    [Fact]
    public async Task Cancellation_InMidStream_KillsTheRun()
    {
        await using var sandbox = await fixture.StartAsync(fixture.Python("def handler(event, context):\n    while True:\n        yield 'x' * 1000"));
        using var cancel = new CancellationTokenSource();
        var response = new TestResponse(room: 5);
        var run = sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision), new TestLog(), response, cancel.Token);
        await Wait.UntilAsync(() => response.Pieces.Count == 6);
        await cancel.CancelAsync();

        SandboxFixture.Error(await run.WaitAsync(Patience), ErrorCode.Cancelled);
        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task Pieces_ForACallerThatTakesAnswersWhole_AreCollectedUpToTheirLimit()
    {
        var revision = fixture.Python("def handler(event, context):\n    for _ in range(event['n']):\n        yield 'x' * 100000");
        await using var sandbox = await fixture.StartAsync(revision);

        Assert.Equal(6_000_000, SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"n":60}"""), new TestLog(), CancellationToken.None)).Length);
        SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"n":70}"""), new TestLog(), CancellationToken.None), ErrorCode.ResponseTooLarge);
    }

    [Theory]
    [InlineData("frame(9, b'', b'x')")]
    [InlineData("frame(10, head, b'')")]
    [InlineData("frame(8, b'{\"id\": \"another\"}', b'')")]
    [InlineData("frame(8, head, b''); frame(8, head, b'')")]
    [InlineData("frame(8, head, b''); frame(6, head, b'{}')")]
    [InlineData("frame(8, head, b'x' * 65537)")]
    [InlineData("frame(8, head, b''); frame(9, b'', b'x' * 65537)")]
    [InlineData("frame(11, b'', b'')")]
    public async Task Frames_OutOfTurn_EndTheSandbox(string frames)
    {
        var revision = fixture.Python(
            $"""
            import json, os, struct
            def frame(kind, header, body):
                os.write(3, struct.pack('>IBI', 4 + len(header) + len(body), kind, len(header)) + header + body)
            def handler(event, context):
                head = json.dumps(dict(id=context.aws_request_id)).encode()
                {frames}
                while True: pass
            """);
        await using var sandbox = await fixture.StartAsync(revision);
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), new TestResponse(), CancellationToken.None).WaitAsync(Patience);

        SandboxFixture.Error(outcome, ErrorCode.ProtocolError);
        Assert.False(sandbox.IsUsable);
    }

    private async Task AssertPiecesAsync(FunctionRevision revision, string contentType, string? pieces, string? head)
    {
        var response = new TestResponse();
        var outcome = await RunAsync(revision, response);
        Assert.True(outcome.Error is null, outcome.Error?.ToString());
        Assert.True(response.Head.Task.IsCompleted, "it came whole");
        var got = await response.Head.Task;
        Assert.Equal(contentType, got.ContentType);
        Assert.Equal(head, got.HttpStatus is null ? null : $"{got.HttpStatus} {string.Join(' ', got.Headers.Select(pair => $"{pair.Key}={pair.Value}"))}");
        if (pieces is not null)
        {
            Assert.Equal(pieces, string.Join('|', response.Pieces));
        }
        else
        {
            Assert.True(response.Text is "ab" || response.Text == new string('x', 100_000), response.Text);
        }

        Assert.Equal(response.Text, SandboxFixture.Text(outcome));
    }

    private async Task<ExecutionOutcome> RunAsync(FunctionRevision revision, TestResponse response)
    {
        await using var sandbox = await fixture.StartAsync(revision);
        return await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), response, CancellationToken.None).WaitAsync(Patience);
    }
}
