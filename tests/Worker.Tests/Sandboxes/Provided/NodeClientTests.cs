using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>aws-lambda-ric, unmodified.</summary>
public sealed class NodeClientTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private const string Handlers = """
        exports.handler = async (event, context) => {
          if (event.fail) throw new TypeError('no such city');
          console.log('serving', context.awsRequestId);
          return { echo: event, left: context.getRemainingTimeInMillis() > 0, name: context.functionName, arn: context.invokedFunctionArn, trace: process.env._X_AMZN_TRACE_ID };
        };
        exports.stream = awslambda.streamifyResponse(async (event, stream, context) => {
          stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'content-type': 'text/plain', 'x-a': '1' }, cookies: ['c=1'] });
          stream.write('one ');
          await new Promise(done => setTimeout(done, 50));
          stream.write('two');
          stream.end();
        });
        exports.midway = awslambda.streamifyResponse(async (event, stream) => {
          stream.write('half');
          await new Promise(done => setTimeout(done, 50));
          throw new RangeError('broke in the middle');
        });
        """;

    [Fact]
    public async Task Handler_AnswersFailsAndStaysWarm()
    {
        var revision = await DeployAsync("index.handler", Handlers);
        await using var sandbox = await fixture.StartAsync(revision);
        for (var i = 0; i < 3; i++)
        {
            var log = new TestLog();
            var message = SandboxFixture.Message(revision, $$"""{"n":{{i}}}""") with { TraceParent = "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01" };
            var text = SandboxFixture.Text(await sandbox.InvokeAsync(message, log, CancellationToken.None));
            Assert.Equal(
                $$"""{"echo":{"n":{{i}}},"left":true,"name":"test","arn":"arn:aws:lambda:local:default:function:test","trace":"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}""",
                text);
            Assert.Contains(message.InvocationId.ToString(), log.Text);
            var error = SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"fail":true}"""), new TestLog(), CancellationToken.None), ErrorCode.FunctionError);
            Assert.Equal(("TypeError", "no such city"), (error.Type, error.Message));
            Assert.Contains(error.StackTrace, frame => frame.Contains("/var/task/index.js", StringComparison.Ordinal));
            Assert.True(await sandbox.SettleAsync(CancellationToken.None));
        }
    }

    [Fact]
    public async Task Stream_ReachesTheCallerWithItsHead()
    {
        var revision = await DeployAsync("index.stream", Handlers);
        var outcome = await fixture.RunAsync(revision, http: SandboxFixture.Get());
        Assert.Equal("one two", SandboxFixture.Text(outcome));
        Assert.Equal((201, "text/plain"), (outcome.Result!.HttpStatus, outcome.Result.ContentType));
        Assert.Equal([KeyValuePair.Create("x-a", "1"), KeyValuePair.Create("Set-Cookie", "c=1")], outcome.Result.Headers);
    }

    [Fact]
    public async Task Stream_ThatBreaksOff_IsAnError()
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(await DeployAsync("index.midway", Handlers), http: SandboxFixture.Get()), ErrorCode.FunctionError);
        Assert.Equal(("RangeError", "broke in the middle"), (error.Type, error.Message));
    }

    [Theory]
    [InlineData("index.handler", "syntax error here", "Runtime.UserCodeSyntaxError")]
    [InlineData("index.missing", "exports.handler = () => 1;", "Runtime.HandlerNotFound")]
    [InlineData("other.handler", "exports.handler = () => 1;", "Runtime.ImportModuleError")]
    public async Task Init_ThatFails_IsSaidByTheClient(string handler, string code, string type)
    {
        var error = await fixture.FailToStartAsync(await DeployAsync(handler, code));
        Assert.Equal((ErrorCode.InitError, type), (error.Code, error.Type));
    }

    private async Task<FunctionRevision> DeployAsync(string handler, string code)
    {
        var directory = Directory.CreateTempSubdirectory("faas-ric-").FullName;
        try
        {
            await NodeClient.MakeFunctionAsync(directory, code);
            return fixture.Deploy(RuntimeIds.Provided, handler, PackageBuilder.FromDirectory(directory));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
