using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes;

public sealed class NodeTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    [Theory]
    [InlineData("exports.handler = async (event) => ({ got: event.a })")]
    [InlineData("exports.handler = (event) => ({ got: event.a })")]
    [InlineData("exports.handler = (event, context, callback) => { setTimeout(() => callback(null, { got: event.a }), 5); }")]
    [InlineData("exports.handler = (event, context) => { setTimeout(() => context.succeed({ got: event.a }), 5); }")]
    [InlineData("exports.handler = (event, context) => Promise.resolve({ got: event.a })")]
    public async Task Handler_InEveryStyle_Answers(string code) =>
        Assert.Equal("""{"got":1}""", SandboxFixture.Text(await fixture.RunAsync(fixture.Node(code), """{"a":1}""")));

    [Theory]
    [InlineData("app.mjs", "export const handler = async () => 'module';")]
    [InlineData("app.mjs", "await new Promise((r) => setTimeout(r, 1)); export default { handler: () => 'module' };")]
    [InlineData("app.cjs", "module.exports = { handler: () => 'module' };")]
    public async Task Module_OfEveryKind_IsLoaded(string file, string code) =>
        Assert.Equal("\"module\"", SandboxFixture.Text(await fixture.RunAsync(fixture.Node(code, file: file))));

    [Theory]
    [InlineData("throw Object.assign(new Error('busy'), { retryAfterSeconds: 30 })", 30.0)]
    [InlineData("class Busy extends Error { retryAfterSeconds = 2.5 }; throw new Busy('busy')", 2.5)]
    [InlineData("throw Object.assign(new Error('busy'), { retryAfterSeconds: Infinity })", 21_600.0)]
    [InlineData("throw Object.assign(new Error('busy'), { doNotRetry: true })", null)]
    public async Task Error_ThatSaysHowToGoOn_IsUnderstood(string raise, double? seconds)
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Node($"exports.handler = async () => {{ {raise} }}")), ErrorCode.FunctionError);

        Assert.Equal(seconds is { } wait ? TimeSpan.FromSeconds(wait) : null, error.Advice!.Wait);
        Assert.Equal("busy", error.Message);
    }

    [Theory]
    [InlineData("throw new Error('x')")]
    [InlineData("throw Object.assign(new Error('x'), { retryAfterSeconds: '30' })")]
    [InlineData("throw Object.assign(new Error('x'), { retryAfterSeconds: NaN, doNotRetry: 1 })")]
    [InlineData("throw 'x'")]
    public async Task Error_ThatSaysNothingAboutIt_LeavesItToThePolicy(string raise)
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Node($"exports.handler = async () => {{ {raise} }}")), ErrorCode.FunctionError);

        Assert.Equal(("x", null), (error.Message, error.Advice));
    }

    [Fact]
    public async Task Package_WithTypeModuleAndDependencies_IsLoaded()
    {
        var directory = Path.Combine(fixture.Root, "esm");
        Directory.CreateDirectory(Path.Combine(directory, "node_modules", "dep"));
        Directory.CreateDirectory(Path.Combine(directory, "src"));
        File.WriteAllText(Path.Combine(directory, "package.json"), """{"type":"module"}""");
        File.WriteAllText(Path.Combine(directory, "src", "app.js"), "import dep from 'dep'; export const handler = async () => dep + process.cwd();");
        File.WriteAllText(Path.Combine(directory, "node_modules", "dep", "index.js"), "module.exports = 'dep:';");
        var revision = fixture.Deploy(RuntimeIds.NodeJs, "src/app.handler", PackageBuilder.FromDirectory(directory));
        Assert.Equal("\"dep:/var/task\"", SandboxFixture.Text(await fixture.RunAsync(revision)));
    }

    [Fact]
    public async Task Context_SaysWhatItIs()
    {
        var revision = fixture.Node("""
            exports.handler = async (event, context) => [context.awsRequestId, context.functionName, context.memoryLimitInMB, context.getRemainingTimeInMillis(),
              process.env.COLOUR, process.env.AWS_LAMBDA_FUNCTION_NAME];
            """, manifest => manifest with { Environment = new Dictionary<string, string> { ["COLOUR"] = "blue" } });
        await using var sandbox = await fixture.StartAsync(revision);
        var message = SandboxFixture.Message(revision);
        using var answer = JsonDocument.Parse(SandboxFixture.Text(await sandbox.InvokeAsync(message, new TestLog(), CancellationToken.None)));
        Assert.Equal(message.InvocationId.ToString(), answer.RootElement[0].GetString());
        Assert.Equal("test", answer.RootElement[1].GetString());
        Assert.Equal("256", answer.RootElement[2].GetString());
        Assert.InRange(answer.RootElement[3].GetInt32(), 1, 120_000);
        Assert.Equal("blue", answer.RootElement[4].GetString());
        Assert.Equal("test", answer.RootElement[5].GetString());
    }

    [Theory]
    [InlineData("res.status(201).send('made')", 201, "text/html; charset=utf-8", "made")]
    [InlineData("res.json({ q: req.query.q, m: req.method, p: req.path, b: req.body })", 200, "application/json; charset=utf-8", """{"q":["1","2"],"m":"POST","p":"/a b","b":{"k":"v"}}""")]
    [InlineData("res.set('X-Tea', 'yes').type('text').send('t')", 200, "text/plain; charset=utf-8", "t")]
    [InlineData("res.send(Buffer.from('b'))", 200, "application/octet-stream", "b")]
    [InlineData("res.setHeader('Content-Type', 'text/x'); res.write('a'); setTimeout(() => res.end('b'), 5)", 200, "text/x", "ab")]
    [InlineData("res.sendStatus(404)", 404, "text/plain; charset=utf-8", "Not Found")]
    [InlineData("res.end(req.get('X-One') + req.headers['x-one'] + req.rawBody)", 200, "text/html; charset=utf-8", """1, 21, 2{"k":"v"}""")]
    [InlineData("let text = ''; req.on('data', (c) => text += c).on('end', () => res.send(text))", 200, "text/html; charset=utf-8", """{"k":"v"}""")]
    public async Task HttpHandler_Answers_AsInExpress(string code, int status, string contentType, string body)
    {
        var revision = fixture.Node($"exports.handler = (req, res) => {{ {code} }};", manifest => manifest with { Signature = HandlerSignature.Http });
        var http = SandboxFixture.Request("POST", "/a%20b", "q=1&q=2", ("x-one", "1"), ("x-one", "2"), ("content-type", "application/json"));
        var outcome = await fixture.RunAsync(revision, """{"k":"v"}""", http: http);
        Assert.Equal(body, SandboxFixture.Text(outcome));
        Assert.Equal(status, outcome.Result!.HttpStatus);
        Assert.Equal(contentType, outcome.Result.ContentType);
        Assert.Equal(code.Contains("X-Tea"), outcome.Result.Headers.Contains(KeyValuePair.Create("X-Tea", "yes")));
    }

    [Theory]
    [InlineData("throw new TypeError('bad')", "TypeError", "bad", true)]
    [InlineData("await Promise.reject(new RangeError('bad'))", "RangeError", "bad", true)]
    [InlineData("throw 'text'", "string", "text", true)]
    [InlineData("class My extends Error {}; throw new My('own')", "My", "own", true)]
    [InlineData("const a = {}; a.a = a; return a", "Runtime.MarshalError", "circular", true)]
    [InlineData("setTimeout(() => { throw new Error('late') }, 5); await new Promise(() => {})", "Error", "late", false)]
    [InlineData("Promise.reject(new Error('unhandled')); await new Promise(() => {})", "Error", "unhandled", false)]
    public async Task Handler_ThatRaises_IsAFunctionError(string code, string type, string message, bool usable)
    {
        var revision = fixture.Node($"exports.handler = async (event) => {{\n  {code};\n}};");
        await using var sandbox = await fixture.StartAsync(revision);
        var error = SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None), ErrorCode.FunctionError);
        Assert.Equal(type, error.Type);
        Assert.Contains(message, error.Message);
        Assert.All(error.StackTrace, frame => Assert.Contains("/var/task/app.js", frame));
        Assert.Equal(usable, sandbox.IsUsable);
    }

    [Fact]
    public async Task Handler_ThatExits_IsProcessExited()
    {
        var outcome = await fixture.RunAsync(fixture.Node("exports.handler = async () => { console.log('last words'); process.exit(4); }"));
        Assert.Contains("status 4", SandboxFixture.Error(outcome, ErrorCode.ProcessExited).Message);
    }

    [Theory]
    [InlineData("exports.other = 1", "app.handler", "Runtime.HandlerNotFound")]
    [InlineData("exports.handler = 1", "missing.handler", "Runtime.ImportModuleError")]
    [InlineData("require('nothing-here')", "app.handler", "Runtime.ImportModuleError")]
    [InlineData("exports.handler = (", "app.handler", "Runtime.UserCodeSyntaxError")]
    [InlineData("throw new TypeError('broken')", "app.handler", "TypeError")]
    public async Task Package_ThatCannotBeLoaded_IsAnInitError(string code, string handler, string type)
    {
        var error = await fixture.FailToStartAsync(fixture.Node(code, manifest => manifest with { Handler = handler }));
        Assert.Equal(ErrorCode.InitError, error.Code);
        Assert.Equal(type, error.Type);
    }

    [Fact]
    public async Task Output_BelongsToTheInvocationThatPrintedIt_HoweverMuchItIs()
    {
        var revision = fixture.Node("""
            console.log('loading');
            exports.handler = async (event) => {
              for (let i = 0; i < 5000; i++) console.log(event.n, i);
              console.error('error', { a: 1 });
              process.stdout.write('no end');
            };
            """);
        var (loading, first, second) = (new TestLog(), new TestLog(), new TestLog());
        await using var sandbox = await fixture.StartAsync(revision, loading);
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"n":1}"""), first, CancellationToken.None));
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"n":2}"""), second, CancellationToken.None));
        Assert.Equal("stdout: loading", loading.Text);
        foreach (var (log, n) in new[] { (first, 1), (second, 2) })
        {
            var printed = log.Lines.Where(line => line.Stream == "stdout").Select(line => line.Line).ToList();
            Assert.Equal(5001, printed.Count);
            Assert.Equal($"{n} 4999", printed[4999]);
            Assert.Equal("no end", printed[5000]);
            Assert.Equal(["error { a: 1 }"], log.Lines.Where(line => line.Stream == "stderr").Select(line => line.Line));
        }
    }

    [Fact]
    public async Task Payload_AsLargeAsAllowed_GoesThereAndBack_OneByteMoreIsTooLarge()
    {
        var revision = fixture.Node("exports.handler = async (event) => 'x'.repeat(event.size)", manifest => manifest with { MemoryBytes = 512L << 20 });
        await using var sandbox = await fixture.StartAsync(revision);
        var padding = new string('y', Limits.SynchronousPayloadBytes - 100);
        var outcome = await sandbox.InvokeAsync(
            SandboxFixture.Message(revision, $$"""{"size":{{Limits.SynchronousPayloadBytes - 2}},"padding":"{{padding}}"}"""), new TestLog(), CancellationToken.None);
        Assert.Equal(Limits.SynchronousPayloadBytes, SandboxFixture.Text(outcome).Length);
        outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, $$"""{"size":{{Limits.SynchronousPayloadBytes - 1}}}"""), new TestLog(), CancellationToken.None);
        SandboxFixture.Error(outcome, ErrorCode.ResponseTooLarge);
        Assert.True(sandbox.IsUsable);
    }

    [Fact]
    public async Task Heap_PastTheFunctionsMemory_IsOutOfMemory()
    {
        var revision = fixture.Node("exports.handler = async () => { const all = []; for (;;) all.push(new Array(1000).fill({})); }", manifest => manifest with { MemoryBytes = 128L << 20 });
        SandboxFixture.Error(await fixture.RunAsync(revision), ErrorCode.OutOfMemory);
    }
}
