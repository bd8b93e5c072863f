using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes;

public sealed class ExecutableTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    [Fact]
    public async Task Program_ReadsTheEventAndAnswersOnStandardOutput()
    {
        var log = new TestLog();
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\necho working >&2\nprintf '{\"words\":%d}' $(wc -w)"), "one two three", log);
        Assert.Equal("""{"words":3}""", SandboxFixture.Text(outcome));
        Assert.Equal("application/json", outcome.Result!.ContentType);
        Assert.Equal("stderr: working", log.Text);
        Assert.True(outcome.CpuTime is null || outcome.CpuTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task Answer_ThatIsNotJson_IsText()
    {
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\necho 3 words"));
        Assert.Equal("3 words\n", SandboxFixture.Text(outcome));
        Assert.Equal("text/plain; charset=utf-8", outcome.Result!.ContentType);
    }

    [Theory]
    [InlineData("echo first >&2; echo 'no such city' >&2; exit 3", "status 3. It said: no such city")]
    [InlineData("kill -SEGV $$", "SIGSEGV")]
    [InlineData("exec /nonexistent", "status 127")]
    public async Task Program_ThatFails_IsProcessExitedWithItsLastWords(string code, string message)
    {
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\n" + code));
        Assert.Contains(message, SandboxFixture.Error(outcome, ErrorCode.ProcessExited).Message);
    }

    [Theory]
    [InlineData("echo working >&2; echo 'Faas-Retry-After: 30' >&2; exit 75", 30.0)]
    [InlineData("printf 'faas-retry-after:0.2' >&2; exit 75", 1.0)]
    [InlineData("echo wrong >&2; exit 65", null)]
    public async Task Program_ThatSaysHowToGoOn_IsUnderstood(string code, double? seconds)
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Shell("#!/bin/sh\n" + code)), ErrorCode.ProcessExited);

        Assert.Equal(seconds is { } wait ? TimeSpan.FromSeconds(wait) : null, error.Advice!.Wait);
    }

    [Theory]
    [InlineData("exit 75")]
    [InlineData("echo 'Faas-Retry-After: soon' >&2; exit 75")]
    [InlineData("echo 'Faas-Retry-After: 30' >&2; exit 1")]
    [InlineData("echo 'Faas-Retry-After: 30' >&2; echo last >&2; exit 75")]
    [InlineData("kill -KILL $$")]
    public async Task Program_ThatSaysNothingAboutIt_LeavesItToThePolicy(string code) =>
        Assert.Null(SandboxFixture.Error(await fixture.RunAsync(fixture.Shell("#!/bin/sh\n" + code)), ErrorCode.ProcessExited).Advice);

    [Fact]
    public async Task Program_ThatImitatesAFailingSandbox_IsItsOwnFault()
    {
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\necho 'bwrap: Creating new namespace failed' >&2; exit 1"));
        SandboxFixture.Error(outcome, ErrorCode.ProcessExited);
    }

    [Fact]
    public async Task Environment_OfAnHttpRequest_IsThatOfCgiAndCannotBeForged()
    {
        var revision = fixture.Shell("#!/bin/sh\nenv | sort; cat", manifest => manifest with { Environment = new Dictionary<string, string> { ["OWN"] = "a\nb" } });
        var http = SandboxFixture.Request("POST", "/a%20b", "q=1", ("x-one", "1\r\nEVIL=yes"), ("x-one", "2"), ("proxy", "http://evil"), ("x_one", "3"), ("cookie", "a=1"), ("cookie", "b=2"));
        var outcome = await fixture.RunAsync(revision, "body", http: http);
        var lines = SandboxFixture.Text(outcome).Split('\n');
        Assert.Contains("REQUEST_METHOD=POST", lines);
        Assert.Contains("PATH_INFO=/a b", lines);
        Assert.Contains("QUERY_STRING=q=1", lines);
        Assert.Contains("HTTP_X_ONE=1EVIL=yes, 2", lines);
        Assert.Contains("HTTP_COOKIE=a=1; b=2", lines);
        Assert.Contains("CONTENT_TYPE=application/json", lines);
        Assert.Contains("CONTENT_LENGTH=4", lines);
        Assert.Contains("OWN=a", lines);
        Assert.DoesNotContain(lines, line => line.StartsWith("EVIL", StringComparison.Ordinal) || line.StartsWith("HTTP_PROXY", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("FAAS_INVOCATION_ID=0", StringComparison.Ordinal));
        Assert.Equal("body", lines[^1]);
    }

    [Fact]
    public async Task Handler_MissingOrNotExecutable_IsAnInitError()
    {
        var missing = fixture.Shell("#!/bin/sh", manifest => manifest with { Handler = "other.sh" });
        var plain = fixture.Deploy(RuntimeIds.Executable, "main.sh", PackageBuilder.FromFile("main.sh", "#!/bin/sh"u8));
        foreach (var (revision, message) in new[] { (missing, "no file 'other.sh'"), (plain, "chmod +x main.sh") })
        {
            var error = await fixture.FailToStartAsync(revision);
            Assert.Equal(ErrorCode.InitError, error.Code);
            Assert.Contains(message, error.Message);
        }
    }

    [Fact]
    public async Task Streams_CanBeOpenedByName()
    {
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\ncat /dev/stdin > /dev/stdout; echo x > /dev/stderr; echo changed > /proc/self/fd/0 || exit 5"), "event");
        SandboxFixture.Error(outcome, ErrorCode.ProcessExited);
        outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\ncat /dev/stdin > /dev/stdout; echo x > /dev/stderr"), "event");
        Assert.Equal("event", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Answer_WithoutEnd_IsTooLargeAndEndsAtOnce()
    {
        var outcome = await fixture.RunAsync(fixture.Shell("#!/bin/sh\nexec yes"));
        SandboxFixture.Error(outcome, ErrorCode.ResponseTooLarge);
        Assert.InRange(outcome.Run, TimeSpan.Zero, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Answer_OfManyBytes_ComesWhole()
    {
        var body = new byte[5 << 20];
        Random.Shared.NextBytes(body);
        var revision = fixture.Shell("#!/bin/sh\nexec cat");
        await using var sandbox = await fixture.StartAsync(revision);
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, body), new TestLog(), CancellationToken.None);
        Assert.True(outcome.Result!.Body.Span.SequenceEqual(body));
        Assert.True(sandbox.IsUsable);
    }

    [Fact]
    public async Task Runs_ShareNothing()
    {
        var revision = fixture.Shell("#!/bin/sh\nls -A /tmp /dev/shm | tr '\\n' ' '; echo x > /tmp/left; echo x > /dev/shm/left");
        await using var sandbox = await fixture.StartAsync(revision);
        for (var i = 0; i < 2; i++)
        {
            var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None);
            Assert.DoesNotContain("left", Encoding.UTF8.GetString(outcome.Result!.Body.Span));
        }
    }

    [Fact]
    public async Task Timeout_KillsTheProgramAndWhatItStarted()
    {
        var revision = fixture.Shell("#!/bin/sh\n(setsid sleep 1000 &) ; sleep 1000", manifest => manifest with { Timeout = TimeSpan.FromMilliseconds(500) });
        var outcome = await fixture.RunAsync(revision);
        Assert.Contains("0.5 s", SandboxFixture.Error(outcome, ErrorCode.Timeout).Message);
        Assert.InRange(outcome.Run, TimeSpan.FromMilliseconds(490), TimeSpan.FromMinutes(1));
    }
}
