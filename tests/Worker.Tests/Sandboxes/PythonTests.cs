using System.Text;
using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes;

public sealed class PythonTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    [Fact]
    public async Task EventHandler_GetsEventAndContext()
    {
        var revision = fixture.Python("""
            import json, os
            def handler(event, context):
                return {"event": event, "id": context.aws_request_id, "name": context.function_name, "version": context.function_version,
                        "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(), "arn": context.invoked_function_arn,
                        "cwd": os.getcwd(), "root": os.environ["LAMBDA_TASK_ROOT"], "env": os.environ["COLOUR"], "faas": os.environ["FAAS_FUNCTION_NAME"]}
            """, manifest => manifest with { Environment = new Dictionary<string, string> { ["COLOUR"] = "blau ü" } });
        await using var sandbox = await fixture.StartAsync(revision);
        var message = SandboxFixture.Message(revision, """{"name":"Ada","list":[1,2.5,null,true,"ü"]}""");
        var outcome = await sandbox.InvokeAsync(message, new TestLog(), CancellationToken.None);
        using var answer = JsonDocument.Parse(SandboxFixture.Text(outcome));
        var root = answer.RootElement;
        Assert.Equal("""{"name": "Ada", "list": [1, 2.5, null, true, "ü"]}""", root.GetProperty("event").GetRawText());
        Assert.Equal(message.InvocationId.ToString(), root.GetProperty("id").GetString());
        Assert.Equal("test", root.GetProperty("name").GetString());
        Assert.Equal("1", root.GetProperty("version").GetString());
        Assert.Equal("256", root.GetProperty("memory").GetString());
        Assert.InRange(root.GetProperty("left").GetInt32(), 1, 120_000);
        Assert.Equal("/var/task", root.GetProperty("cwd").GetString());
        Assert.Equal("/var/task", root.GetProperty("root").GetString());
        Assert.Equal("blau ü", root.GetProperty("env").GetString());
        Assert.Equal("application/json", outcome.Result!.ContentType);
        Assert.Null(outcome.Result.HttpStatus);
        Assert.True(sandbox.IsUsable);
    }

    [Theory]
    [InlineData("from faas import RetryAfter", "raise RetryAfter(30, 'busy')", 30.0, "faas.RetryAfter", "busy")]
    [InlineData("import faas, datetime", "raise faas.RetryAfter(datetime.timedelta(minutes=2))", 120.0, "faas.RetryAfter", "to be tried again after 120 s")]
    [InlineData("from faas import DoNotRetry", "raise DoNotRetry('wrong')", null, "faas.DoNotRetry", "wrong")]
    [InlineData("class Busy(Exception):\n    retry_after_seconds = 2.5", "raise Busy('own')", 2.5, "app.Busy", "own")]
    [InlineData("class Wrong(Exception):\n    do_not_retry = True", "raise Wrong('own')", null, "app.Wrong", "own")]
    [InlineData("from faas import RetryAfter", "raise RetryAfter(float('inf'))", 21_600.0, "faas.RetryAfter", "to be tried again after inf s")]
    public async Task Error_ThatSaysHowToGoOn_IsUnderstood(string before, string raise, double? seconds, string type, string message)
    {
        foreach (var signature in new[] { "event, context", "request" })
        {
            var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Python($"{before}\ndef handler({signature}):\n    {raise}")), ErrorCode.FunctionError);

            Assert.Equal(seconds is { } wait ? TimeSpan.FromSeconds(wait) : null, error.Advice!.Wait);
            Assert.Equal((type, message), (error.Type, error.Message));
        }
    }

    [Fact]
    public async Task Error_WhileLoading_SaysHowToGoOnToo()
    {
        var error = await fixture.FailToStartAsync(fixture.Python("from faas import RetryAfter\nraise RetryAfter(5)"));

        Assert.Equal(ErrorCode.InitError, error.Code);
        Assert.Equal(TimeSpan.FromSeconds(5), error.Advice!.Wait);
    }

    [Theory]
    [InlineData("e = ValueError('x'); e.retry_after_seconds = 'soon'; raise e", "ValueError")]
    [InlineData("e = ValueError('x'); e.retry_after_seconds = float('nan'); raise e", "ValueError")]
    [InlineData("e = ValueError('x'); e.do_not_retry = 'no'; raise e", "ValueError")]
    [InlineData("e = ValueError('x'); e.retry_after_seconds = True; raise e", "ValueError")]
    [InlineData("import faas; raise faas.RetryAfter('soon')", "ValueError")]
    public async Task Error_ThatSaysNonsense_IsAnOrdinaryOne(string raise, string type)
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Python($"def handler(event, context):\n    {raise}")), ErrorCode.FunctionError);

        Assert.Null(error.Advice);
        Assert.Equal(type, error.Type);
    }

    [Fact]
    public async Task Package_WithAModuleNamedLikeThePlatforms_GetsItsOwn()
    {
        var directory = Directory.CreateDirectory(Path.Combine(fixture.Root, "own-module")).FullName;
        File.WriteAllText(Path.Combine(directory, "app.py"), "import faas\ndef handler(event, context):\n    return faas.WHO");
        File.WriteAllText(Path.Combine(directory, "faas.py"), "WHO = 'mine'");

        var revision = fixture.Deploy(RuntimeIds.Python3, "app.handler", PackageBuilder.FromDirectory(directory));

        Assert.Equal("\"mine\"", SandboxFixture.Text(await fixture.RunAsync(revision)));
    }

    [Fact]
    public async Task HttpHandler_OfTheIssue_Answers()
    {
        var revision = fixture.Python("""
            import json
            def handler(request):
                name = request.args.get('name', 'World')
                return json.dumps({'message': f'Hello, {name}!'})
            """);
        var outcome = await fixture.RunAsync(revision, "", http: SandboxFixture.Get(query: "name=Ada%20L"));
        Assert.Equal("""{"message": "Hello, Ada L!"}""", SandboxFixture.Text(outcome));
        Assert.Equal(200, outcome.Result!.HttpStatus);
        Assert.StartsWith("text/html", outcome.Result.ContentType);
    }

    [Theory]
    [InlineData("return {'a': 1}", 200, "application/json", """{"a": 1}""")]
    [InlineData("return [1, 2]", 200, "application/json", "[1, 2]")]
    [InlineData("return 'made', 201", 201, "text/html; charset=utf-8", "made")]
    [InlineData("return 'x', 418, {'X-Tea': 'yes', 'Content-Type': 'text/tea'}", 418, "text/tea", "x")]
    [InlineData("return b'\\x00\\xff', {'Content-Type': 'image/png'}", 200, "image/png", "\0ÿ")]
    [InlineData("import werkzeug; return werkzeug.Response('hi', status=202, mimetype='text/plain')", 202, "text/plain; charset=utf-8", "hi")]
    [InlineData("import werkzeug.exceptions as e; raise e.NotFound('gone')", 404, "text/html; charset=utf-8", null)]
    [InlineData("return request.method + ' ' + request.path + ' ' + request.headers['X-One'] + ' ' + request.host + ' ' + request.remote_addr", 200, "text/html; charset=utf-8", "POST /a b/ü 1, 2 faas.test:8080 192.0.2.1")]
    [InlineData("return str(request.get_json()['k']) + request.url", 200, "text/html; charset=utf-8", "vhttp://faas.test:8080/fn/test/a%20b/ü?q=1&q=2")]
    [InlineData("return ','.join(request.args.getlist('q')) + request.data.decode()", 200, "text/html; charset=utf-8", """1,2{"k":"v"}""")]
    public async Task HttpHandler_Returns_AsInFlask(string code, int status, string contentType, string? body)
    {
        var revision = fixture.Python($"def handler(request):\n    {code}\n");
        var http = SandboxFixture.Request("POST", "/a%20b/%C3%BC", "q=1&q=2", ("x-one", "1"), ("x-one", "2"), ("content-type", "application/json"), ("host", "faas.test:8080"));
        var outcome = await fixture.RunAsync(revision, """{"k":"v"}""", http: http);
        Assert.True(outcome.Error is null, outcome.Error?.ToString());
        Assert.Equal(status, outcome.Result!.HttpStatus);
        Assert.Equal(contentType, outcome.Result.ContentType);
        if (body is not null)
        {
            Assert.Equal(body, (contentType == "image/png" ? Encoding.Latin1 : Encoding.UTF8).GetString(outcome.Result.Body.Span));
        }

        Assert.Equal(status == 418, outcome.Result.Headers.Contains(KeyValuePair.Create("X-Tea", "yes")));
    }

    [Fact]
    public async Task HttpHandler_ReadsFormsAndFiles()
    {
        var revision = fixture.Python("def handler(request):\n    return request.form['name'] + request.files['photo'].filename + request.files['photo'].read().decode()");
        var body = "--b\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nAda\r\n--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\ndata\r\n--b--\r\n";
        var outcome = await fixture.RunAsync(revision, body, http: SandboxFixture.Request("POST", "/", "", ("content-type", "multipart/form-data; boundary=b")));
        Assert.Equal("Adaa.jpgdata", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task HttpHandler_CalledByTheApi_GetsTheEventAsPost()
    {
        var revision = fixture.Python("def handler(request): return {'m': request.method, 'p': request.path, 'j': request.get_json()}");
        Assert.Equal("""{"m": "POST", "p": "/", "j": {"x": 1}}""", SandboxFixture.Text(await fixture.RunAsync(revision, """{"x": 1}""")));
    }

    [Fact]
    public async Task EventHandler_CalledByHttp_GetsPayload2AndItsAnswerIsMapped()
    {
        var revision = fixture.Python("""
            def handler(event, context):
                return {"statusCode": 201, "headers": {"X-Path": event["rawPath"], "content-type": "text/plain"}, "cookies": ["a=1"],
                        "body": event["queryStringParameters"]["q"] + event["requestContext"]["http"]["method"] + event["body"]}
            """);
        var outcome = await fixture.RunAsync(revision, "hello", http: SandboxFixture.Request("PUT", "/x", "q=%C3%BC", ("content-type", "text/plain")));
        Assert.Equal("üPUThello", SandboxFixture.Text(outcome));
        Assert.Equal(201, outcome.Result!.HttpStatus);
        Assert.Equal("text/plain", outcome.Result.ContentType);
        Assert.Equal([KeyValuePair.Create("X-Path", "/x"), KeyValuePair.Create("Set-Cookie", "a=1")], outcome.Result.Headers);
    }

    [Fact]
    public async Task Handler_Async_IsAwaited() =>
        Assert.Equal("42", SandboxFixture.Text(await fixture.RunAsync(fixture.Python("import asyncio\nasync def handler(event, context):\n    await asyncio.sleep(0)\n    return 42"))));

    [Fact]
    public async Task Handler_ThatRaises_IsAFunctionErrorWithTheUsersFramesAndTheSandboxLives()
    {
        var revision = fixture.Python("""
            import json
            calls = 0
            def inner(event):
                return json.loads(event["bad"])
            def handler(event, context):
                global calls
                calls += 1
                return inner(event) if "bad" in event else calls
            """);
        await using var sandbox = await fixture.StartAsync(revision);
        var error = SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"bad":"x"}"""), new TestLog(), CancellationToken.None), ErrorCode.FunctionError);
        Assert.Equal("json.decoder.JSONDecodeError", error.Type);
        Assert.Contains("Expecting value", error.Message);
        Assert.Equal(2, error.StackTrace.Count);
        Assert.Contains("\"/var/task/app.py\", line 8, in handler", error.StackTrace[0]);
        Assert.Contains("\"/var/task/app.py\", line 4, in inner", error.StackTrace[1]);
        Assert.True(sandbox.IsUsable);
        Assert.Equal("2", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
    }

    [Theory]
    [InlineData("import sys\ndef handler(e, c): sys.exit(3)", "status 3")]
    [InlineData("import os\ndef handler(e, c): os._exit(0)", "status 0")]
    [InlineData("import os, signal\ndef handler(e, c): os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV")]
    [InlineData("import sys, threading, time\ndef handler(e, c):\n    threading.Thread(target=lambda: time.sleep(60)).start()\n    sys.exit('bye')", "status 1")]
    public async Task Handler_ThatExits_IsProcessExited(string code, string message)
    {
        var revision = fixture.Python(code);
        await using var sandbox = await fixture.StartAsync(revision);
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);
        Assert.Contains(message, SandboxFixture.Error(outcome, ErrorCode.ProcessExited).Message);
        Assert.False(sandbox.IsUsable);
    }

    [Theory]
    [InlineData("x = 1", "app.handler", "Runtime.HandlerNotFound", "'handler' is missing")]
    [InlineData("x = 1", "nothing.handler", "Runtime.ImportModuleError", "No module named 'nothing'")]
    [InlineData("import nothing_here", "app.handler", "Runtime.ImportModuleError", "nothing_here")]
    [InlineData("def handler(e, c)\n  pass", "app.handler", "Runtime.UserCodeSyntaxError", "/var/task/app.py, line 1")]
    [InlineData("raise ValueError('broken')", "app.handler", "ValueError", "broken")]
    [InlineData("def handler(): pass", "app.handler", "Runtime.HandlerNotFound", "expected (event, context) or (request)")]
    [InlineData("handler = 5", "app.handler", "Runtime.HandlerNotFound", "expected a function")]
    [InlineData("import sys; sys.exit(2)", "app.handler", null, "status 2 while it was loaded")]
    public async Task Package_ThatCannotBeLoaded_IsAnInitError(string code, string handler, string? type, string message)
    {
        var revision = fixture.Python(code, manifest => manifest with { Handler = handler });
        var error = await fixture.FailToStartAsync(revision);
        Assert.Equal(ErrorCode.InitError, error.Code);
        Assert.Equal(type, error.Type);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public async Task Package_ThatLoadsForever_IsAnInitTimeout()
    {
        var revision = fixture.Python("import time\nprint('loading')\ntime.sleep(600)", manifest => manifest with { InitTimeout = TimeSpan.FromSeconds(4) });
        var log = new TestLog();
        Assert.Equal(ErrorCode.InitTimeout, (await fixture.FailToStartAsync(revision, log)).Code);
        Assert.Equal("stdout: loading", log.Text);
    }

    [Theory]
    [InlineData("return {1, 2}", "Runtime.MarshalError")]
    [InlineData("return float('nan')", "Runtime.MarshalError")]
    [InlineData("return b'bytes'", "Runtime.MarshalError")]
    public async Task Answer_ThatIsNotJson_IsAFunctionError(string code, string type) =>
        Assert.Equal(type, SandboxFixture.Error(await fixture.RunAsync(fixture.Python($"def handler(event, context):\n    {code}")), ErrorCode.FunctionError).Type);

    [Fact]
    public async Task Event_ThatIsNotJson_IsAFunctionError() =>
        Assert.Equal("Runtime.UnmarshalError", SandboxFixture.Error(await fixture.RunAsync(fixture.Python("def handler(e, c): return e"), "{nonsense"), ErrorCode.FunctionError).Type);

    [Fact]
    public async Task Event_Empty_IsAnEmptyObject() =>
        Assert.Equal("{}", SandboxFixture.Text(await fixture.RunAsync(fixture.Python("def handler(e, c): return e"), "")));

    [Fact]
    public async Task Payload_AsLargeAsAllowed_GoesThereAndBack_OneByteMoreIsTooLarge()
    {
        var revision = fixture.Python("def handler(event, context): return 'x' * event['size']");
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
    public async Task Output_BelongsToTheInvocationThatPrintedIt()
    {
        var revision = fixture.Python("""
            import os, subprocess, sys
            print("loading")
            def handler(event, context):
                print("out", event["n"])
                os.write(1, b"raw\xff\n")
                subprocess.run(["/bin/echo", "child"])
                print("error", file=sys.stderr)
                print("no end", end="")
            """);
        var (loading, first, second) = (new TestLog(), new TestLog(), new TestLog());
        await using var sandbox = await fixture.StartAsync(revision, loading);
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"n":1}"""), first, CancellationToken.None));
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"n":2}"""), second, CancellationToken.None));
        Assert.Equal("stdout: loading", loading.Text);
        foreach (var (log, n) in new[] { (first, 1), (second, 2) })
        {
            Assert.Equal([$"out {n}", "raw\xff", "child", "no end"], log.Lines.Where(line => line.Stream == "stdout").Select(line => line.Line));
            Assert.Equal(["error"], log.Lines.Where(line => line.Stream == "stderr").Select(line => line.Line));
        }
    }

    [Fact]
    public async Task Package_WithSeveralFilesAndOwnLibraries_IsImported()
    {
        var directory = Path.Combine(fixture.Root, "package");
        Directory.CreateDirectory(Path.Combine(directory, "src", "lib"));
        Directory.CreateDirectory(Path.Combine(directory, "python", "vendored"));
        File.WriteAllText(Path.Combine(directory, "src", "main.py"), "from vendored import value\nimport src.lib.more\ndef handler(event, context): return [value, src.lib.more.x, open('data.txt').read()]");
        File.WriteAllText(Path.Combine(directory, "src", "lib", "more.py"), "x = 2");
        File.WriteAllText(Path.Combine(directory, "python", "vendored", "__init__.py"), "value = 1");
        File.WriteAllText(Path.Combine(directory, "data.txt"), "text");
        var revision = fixture.Deploy(RuntimeIds.Python3, "src/main.handler", PackageBuilder.FromDirectory(directory));
        Assert.Equal("""[1, 2, "text"]""", SandboxFixture.Text(await fixture.RunAsync(revision)));
    }

    [Fact]
    public async Task Package_DamagedInTheStore_IsPackageInvalid()
    {
        var revision = fixture.Python("def handler(e, c): return 'damaged'");
        fixture.Damage(revision, PackageBuilder.FromFile("app.py", "def handler(e, c): return 'evil'"u8));
        var error = await fixture.FailToStartAsync(revision);
        Assert.Equal(ErrorCode.PackageInvalid, error.Code);
        Assert.Contains(revision.PackageSha256, error.Message);
    }

    [Fact]
    public async Task Measurements_AreOfThisInvocation()
    {
        var revision = fixture.Python("""
            import time
            def handler(event, context):
                if event.get("work"):
                    data = bytearray(60 << 20)
                    end = time.process_time() + 0.5
                    while time.process_time() < end: pass
            """, manifest => manifest with { MemoryBytes = 2048L << 20 });
        await using var sandbox = await fixture.StartAsync(revision);
        var heavy = await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"work":1}"""), new TestLog(), CancellationToken.None);
        var light = await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);
        SandboxFixture.Text(heavy);
        Assert.InRange(heavy.CpuTime!.Value, TimeSpan.FromSeconds(0.49), TimeSpan.FromSeconds(10));
        Assert.InRange(light.CpuTime!.Value, TimeSpan.FromTicks(1), TimeSpan.FromSeconds(0.4));
        Assert.InRange(heavy.Run, TimeSpan.FromSeconds(0.49), TimeSpan.FromMinutes(2));
        if (fixture.EnforcesMemory)
        {
            Assert.InRange(heavy.PeakMemoryBytes!.Value, 60L << 20, 200L << 20);
            Assert.InRange(light.PeakMemoryBytes!.Value, 1L << 20, 59L << 20);
        }
        else
        {
            Assert.Null(heavy.PeakMemoryBytes);
        }
    }

    [Fact]
    public async Task ModuleOfThePackage_NamedLikeOneOfPythons_NeverDependsOnHowFarTheSandboxWas()
    {
        var directory = Directory.CreateTempSubdirectory("faas-names-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(directory, "traceback.py"), "raise Exception('not this one')");
            await File.WriteAllTextAsync(Path.Combine(directory, "uuid.py"), "");
            await File.WriteAllTextAsync(Path.Combine(directory, "app.py"), "import uuid\ndef handler(event, context): raise ValueError(uuid.__file__)");
            var revision = fixture.Deploy(RuntimeIds.Python3, "app.handler", PackageBuilder.FromDirectory(directory));

            // More than are pooled: the last ones come from boots that nobody has let load ahead.
            var outcomes = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => fixture.RunAsync(revision)));
            Assert.All(outcomes, outcome =>
            {
                var error = SandboxFixture.Error(outcome, ErrorCode.FunctionError);
                Assert.StartsWith("/usr/lib", error.Message);
                Assert.Contains("app.py", Assert.Single(error.StackTrace!));
            });
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Fact]
    public async Task TimeZone_OfTheManifest_IsTheFunctions()
    {
        var revision = fixture.Python(
            "import time\ndef handler(event, context): return time.strftime('%H %Z', time.localtime(0))",
            manifest => manifest with { Environment = new Dictionary<string, string> { ["TZ"] = "XYZ-3" } });
        Assert.Equal("\"03 XYZ\"", SandboxFixture.Text(await fixture.RunAsync(revision)));
    }
}
