using System.Globalization;
using System.Text.Json;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

public sealed class ProvidedTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    // https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html, as it is.
    private const string Tutorial = """
        #!/bin/sh

        set -euo pipefail

        # Initialization - load function handler
        source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"

        # Processing
        while true
        do
          HEADERS="$(mktemp)"
          # Get an event. The HTTP request will block until one is received
          EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")

          # Extract request ID by scraping response headers received above
          REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)

          # Run the handler function from the script
          RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")

          # Send the response
          curl "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response"  -d "$RESPONSE"
        done
        """;

    private const string TutorialFunction = """
        function handler () {
          EVENT_DATA=$1
          echo "$EVENT_DATA" 1>&2;
          RESPONSE="Echoing request: '$EVENT_DATA'"

          echo $RESPONSE
        }
        """;

    [Fact]
    public async Task Tutorial_OfAws_RunsAsItIsAndStaysWarm()
    {
        var package = ProvidedFixture.Package(("bootstrap*", Tutorial), ("function.sh", TutorialFunction));
        var revision = fixture.Deploy(RuntimeIds.Provided, "function.handler", package);
        await using var sandbox = await fixture.StartAsync(revision);
        for (var i = 0; i < 3; i++)
        {
            var log = new TestLog();
            var body = $$"""{"n":{{i}}}""";
            var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, body), log, CancellationToken.None);
            Assert.Equal($"Echoing request: '{body}'", SandboxFixture.Text(outcome));
            Assert.Equal("application/json", outcome.Result!.ContentType);
            Assert.Contains("stderr: " + body, log.Text);
            Assert.True(await sandbox.SettleAsync(CancellationToken.None));
        }
    }

    [Fact]
    public async Task Environment_IsThatOfLambda()
    {
        var revision = fixture.Script("next; answer \"$(env | sort)\"", manifest => manifest with
        {
            Handler = "main.go",
            MemoryBytes = 192L << 20,
            Environment = new Dictionary<string, string> { ["OWN"] = "1", ["TZ"] = "Europe/Berlin", ["_HANDLER"] = "forged", ["AWS_REGION"] = "eu-central-1" },
        });
        var lines = SandboxFixture.Text(await fixture.RunAsync(revision)).Split('\n').ToDictionary(line => line.Split('=')[0], line => line[(line.IndexOf('=') + 1)..]);
        var expected = new Dictionary<string, string>
        {
            ["_HANDLER"] = "main.go",
            ["OWN"] = "1",
            ["TZ"] = "Europe/Berlin",
            ["AWS_REGION"] = "eu-central-1",
            ["AWS_DEFAULT_REGION"] = "local",
            ["AWS_LAMBDA_FUNCTION_NAME"] = "test",
            ["AWS_LAMBDA_FUNCTION_VERSION"] = "1",
            ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "192",
            ["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand",
            ["AWS_LAMBDA_LOG_GROUP_NAME"] = "/aws/lambda/test",
            ["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:9001",
            ["LAMBDA_TASK_ROOT"] = "/var/task",
            ["LAMBDA_RUNTIME_DIR"] = "/var/runtime",
            ["LANG"] = "C.UTF-8",
            ["PATH"] = "/usr/local/bin:/usr/bin:/bin:/opt/bin",
            ["LD_LIBRARY_PATH"] = "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
            ["PWD"] = "/var/task",
        };
        Assert.Equal(expected, lines.Where(pair => expected.ContainsKey(pair.Key)).ToDictionary());
        Assert.Matches(@"^\d{4}/\d\d/\d\d/\[1\][0-9a-f]{32}$", lines["AWS_LAMBDA_LOG_STREAM_NAME"]);
        Assert.DoesNotContain("AWS_EXECUTION_ENV", lines);
    }

    [Fact]
    public async Task Next_SaysWhoWhenAndWhere()
    {
        var revision = fixture.Script("next; answer \"$(cat /tmp/headers)\"", manifest => manifest with { Timeout = TimeSpan.FromSeconds(60) });
        await using var sandbox = await fixture.StartAsync(revision);
        var message = SandboxFixture.Message(revision) with { TraceParent = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01" };
        var before = DateTimeOffset.UtcNow.AddSeconds(60).ToUnixTimeMilliseconds();

        var outcome = await sandbox.InvokeAsync(message, new TestLog(), CancellationToken.None);

        var headers = SandboxFixture.Text(outcome).Split('\n', StringSplitOptions.TrimEntries).Skip(1).Where(line => line.Length > 0).ToDictionary(line => line.Split(": ")[0], line => line.Split(": ")[1]);
        Assert.Equal(message.InvocationId.ToString("D"), headers["Lambda-Runtime-Aws-Request-Id"]);
        Assert.Equal("arn:aws:lambda:local:default:function:test", headers["Lambda-Runtime-Invoked-Function-Arn"]);
        Assert.Equal("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1", headers["Lambda-Runtime-Trace-Id"]);
        Assert.InRange(long.Parse(headers["Lambda-Runtime-Deadline-Ms"], CultureInfo.InvariantCulture), before, before + 60_000);
    }

    [Fact]
    public async Task Error_OfTheFunction_ReachesItsCallerAndLeavesItWarm()
    {
        var revision = fixture.Script("""while :; do next; fail '{"errorMessage":"no such city","errorType":"NotFound","stackTrace":["a","b"]}'; done""");
        await using var sandbox = await fixture.StartAsync(revision);
        for (var i = 0; i < 2; i++)
        {
            var error = SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None), ErrorCode.FunctionError);
            Assert.Equal(("NotFound", "no such city", "a|b"), (error.Type, error.Message, string.Join('|', error.StackTrace)));
            Assert.True(await sandbox.SettleAsync(CancellationToken.None));
        }
    }

    [Theory]
    [InlineData("exit 0", "Runtime exited without providing a reason")]
    [InlineData("exit 127", "Runtime exited with error: exit status 127")]
    [InlineData("kill -SEGV $$", "Runtime exited with error: signal: segmentation fault")]
    public async Task Exit_InMidCall_IsSaidInTheWordsOfLambda(string code, string message)
    {
        var revision = fixture.Script("next\n" + code);
        await using var sandbox = await fixture.StartAsync(revision);
        var call = SandboxFixture.Message(revision);

        var error = SandboxFixture.Error(await sandbox.InvokeAsync(call, new TestLog(), CancellationToken.None), ErrorCode.ProcessExited);

        Assert.Equal(("Runtime.ExitError", $"RequestId: {call.InvocationId} Error: {message}"), (error.Type, error.Message));
        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task Exit_AfterTheAnswer_CostsNobodyAnInvocation()
    {
        var revision = fixture.Script("next; answer '\"once\"'; exit 3");
        await using var sandbox = await fixture.StartAsync(revision);

        Assert.Equal("\"once\"", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));

        Assert.False(await sandbox.SettleAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Output_AfterTheAnswer_StandsInTheLogOfTheNextInvocation()
    {
        var revision = fixture.Script("next; answer 1; head -c 300000 /dev/zero | tr '\\0' x; echo; echo late >&2; next; answer 2; sleep 100");
        await using var sandbox = await fixture.StartAsync(revision);
        var first = new TestLog();
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), first, CancellationToken.None));
        Assert.True(await sandbox.SettleAsync(CancellationToken.None));

        var second = new TestLog();
        Assert.Equal("2", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), second, CancellationToken.None)));

        Assert.DoesNotContain("late", first.Text);
        Assert.Contains("stderr: late", second.Text);
    }

    [Fact]
    public async Task Timeout_IsSaidInTheWordsOfLambdaAndKillsEverything()
    {
        var revision = fixture.Script("next; (setsid sleep 1000 &); sleep 1000", manifest => manifest with { Timeout = TimeSpan.FromSeconds(1) });
        await using var sandbox = await fixture.StartAsync(revision);
        var call = SandboxFixture.Message(revision);

        var outcome = await sandbox.InvokeAsync(call, new TestLog(), CancellationToken.None);

        var error = SandboxFixture.Error(outcome, ErrorCode.Timeout);
        Assert.Equal(("Sandbox.Timedout", $"RequestId: {call.InvocationId} Error: Task timed out after 1.00 seconds"), (error.Type, error.Message));
        Assert.InRange(outcome.Run, TimeSpan.FromMilliseconds(990), TimeSpan.FromMinutes(1));
        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task Cancellation_KillsTheRun()
    {
        var revision = fixture.Script("next; echo running; sleep 1000");
        await using var sandbox = await fixture.StartAsync(revision);
        using var cancel = new CancellationTokenSource();
        var log = new TestLog();
        var run = sandbox.InvokeAsync(SandboxFixture.Message(revision), log, cancel.Token);
        await Wait.UntilAsync(() => log.Text.Contains("running", StringComparison.Ordinal), () => log.Text);

        await cancel.CancelAsync();

        SandboxFixture.Error(await run, ErrorCode.Cancelled);
        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task Memory_BeyondTheLimit_OutranksTheAnswer()
    {
        Assert.SkipUnless(fixture.EnforcesMemory, "Without cgroups each process has its own limit.");
        var revision = fixture.Script(
            "next; (dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null) || :; answer '\"fine\"'; sleep 100", manifest => manifest with { MemoryBytes = 64L << 20 });
        var error = SandboxFixture.Error(await fixture.RunAsync(revision), ErrorCode.OutOfMemory);
        Assert.Contains("64 MB", error.Message);
    }

    [Theory]
    [InlineData("""curl -sS -o /dev/null "$api/init/error" -H 'Lambda-Runtime-Function-Error-Type: Runtime.NoConfig' -d '{"errorMessage":"no config","errorType":"NoConfig"}'; echo bye >&2; exit 1""", "NoConfig", "no config", "bye")]
    [InlineData("echo starting; exit 0", "Runtime.ExitError", "Runtime exited without providing a reason", "starting")]
    [InlineData("echo starting; exit 3", "Runtime.ExitError", "Runtime exited with error: exit status 3", "starting")]
    public async Task Init_ThatFails_IsAnInitError(string code, string type, string message, string printed)
    {
        var log = new TestLog();
        var error = await fixture.FailToStartAsync(fixture.Script(code), log);
        Assert.Equal((ErrorCode.InitError, type, message), (error.Code, error.Type, error.Message));
        Assert.Contains(printed, log.Text);
    }

    [Fact]
    public async Task Init_ThatTakesTooLong_IsKilled()
    {
        var error = await fixture.FailToStartAsync(fixture.Script("sleep 1000", manifest => manifest with { InitTimeout = TimeSpan.FromMilliseconds(300) }));
        Assert.Equal(ErrorCode.InitTimeout, error.Code);
    }

    [Fact]
    public async Task Bootstrap_ThatCannotRun_IsAnInitErrorThatSaysWhatToDo()
    {
        var elf = new byte[64];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(elf);
        elf[18] = (byte)(System.Runtime.InteropServices.RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 183 : 62);
        foreach (var (package, problem) in new[]
        {
            (PackageBuilder.FromFile("main", "#!/bin/sh"u8, executable: true), "Couldn't find valid bootstrap(s)"),
            (PackageBuilder.FromFile("bootstrap", "#!/bin/sh"u8), "chmod +x bootstrap"),
            (PackageBuilder.FromFile("bootstrap", "#!/bin/sh\r\nexit"u8, executable: true), "CR LF"),
            (PackageBuilder.FromFile("bootstrap", "print('hello')"u8, executable: true), "neither a program of Linux"),
            (PackageBuilder.FromFile("bootstrap", elf, executable: true), "was built for"),
        })
        {
            var error = await fixture.FailToStartAsync(fixture.Deploy(RuntimeIds.Provided, "bootstrap", package));
            Assert.Equal((ErrorCode.InitError, "Runtime.InvalidEntrypoint"), (error.Code, error.Type));
            Assert.Contains(problem, error.Message);
        }
    }

    [Fact]
    public async Task HttpRequest_IsAnEventOfPayload2AndItsAnswerAResponse()
    {
        var revision = fixture.Script("""next; echo "$EVENT" >&2; answer '{"statusCode":418,"headers":{"x-tea":"1"},"cookies":["a=1"],"body":"dGVh","isBase64Encoded":true}'; sleep 100""");
        var log = new TestLog();

        var outcome = await fixture.RunAsync(revision, "body", log, SandboxFixture.Request("POST", "/pot", "q=1", ("x-one", "1")));

        Assert.Equal("tea", SandboxFixture.Text(outcome));
        Assert.Equal(418, outcome.Result!.HttpStatus);
        Assert.Contains(KeyValuePair.Create("x-tea", "1"), outcome.Result.Headers);
        Assert.Contains(KeyValuePair.Create("Set-Cookie", "a=1"), outcome.Result.Headers);
        using var sent = JsonDocument.Parse(log.Text.Split("stderr: ")[1]);
        Assert.Equal("2.0", sent.RootElement.GetProperty("version").GetString());
        Assert.Equal("/pot", sent.RootElement.GetProperty("rawPath").GetString());
    }

    [Fact]
    public async Task Endpoints_OfSandboxesSideBySide_AreEachOnesOwn()
    {
        // Each says its own number to the port that all of them have, and what came of it.
        var revision = fixture.Script("next; echo \"$EVENT\" > /tmp/own; while :; do answer \"$(cat /tmp/own) $EVENT\"; next; done");
        var sandboxes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => fixture.StartAsync(revision)));
        try
        {
            for (var round = 0; round < 3; round++)
            {
                var texts = await Task.WhenAll(sandboxes.Select(async (sandbox, i) => SandboxFixture.Text(
                    await sandbox.InvokeAsync(SandboxFixture.Message(revision, $"s{i}"), new TestLog(), CancellationToken.None))));
                Assert.Equal(["s0 s0", "s1 s1", "s2 s2", "s3 s3"], texts);
            }
        }
        finally
        {
            await Task.WhenAll(sandboxes.Select(sandbox => sandbox.DisposeAsync().AsTask()));
        }
    }

    [Fact]
    public async Task Answer_AsLargeAsAllowed_ComesWholeAndALargerOneIsRefused()
    {
        var revision = fixture.Script("""
            for size in 6291556 6291557; do
              next
              head -c $size /dev/zero | tr '\0' x > /tmp/body
              curl -sS -o /tmp/said -w '%{http_code}' "$api/invocation/$ID/response" --data-binary @/tmp/body > /tmp/status
            done
            next; answer "$(cat /tmp/status /tmp/said)"
            """, manifest => manifest with { MemoryBytes = 256L << 20 });
        await using var sandbox = await fixture.StartAsync(revision);
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);
        Assert.True(outcome.Error is null, outcome.Error?.ToString());
        Assert.Equal(6291556, outcome.Result!.Body.Length);
        SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None), ErrorCode.ResponseTooLarge);
        Assert.Equal(
            """413{"errorMessage":"Exceeded maximum allowed payload size (6291556 bytes).","errorType":"RequestEntityTooLarge"}""",
            SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
    }

    [Fact]
    public async Task Event_OfManyBytes_ArrivesWhole()
    {
        var revision = fixture.Script("curl -sS -D /tmp/headers \"$api/invocation/next\" -o /tmp/event; ID=$(grep -i '^Lambda-Runtime-Aws-Request-Id:' /tmp/headers | tr -d '[:space:]' | cut -d: -f2); answer \"$(sha256sum < /tmp/event)\"; sleep 100");
        await using var sandbox = await fixture.StartAsync(revision);
        var body = new byte[5 << 20];
        Random.Shared.NextBytes(body);
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, body), new TestLog(), CancellationToken.None);
        Assert.StartsWith(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(body)), SandboxFixture.Text(outcome), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shell_OfScripts_IsBash() =>
        Assert.Equal("ok", SandboxFixture.Text(await fixture.RunAsync(fixture.Shell("#!/bin/sh\nset -o pipefail\nprintf ok"))));
}
