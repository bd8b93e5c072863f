using System.Globalization;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>Lambda programs in sandboxes that were booted before anybody asked for one.</summary>
public sealed class PoolTests(PoolTests.Fixture fixture) : IClassFixture<PoolTests.Fixture>
{
    // When the sandbox's first process began, in hundredths of a second since the host's start, and what lies where a function's files are.
    private const string Code = """
        import os
        def handler(event, context):
            return [open("/proc/1/stat").read().rsplit(")", 1)[1].split()[19], sorted(os.listdir("/var/task")), os.environ.get("OWN")]
        """;

    [Fact]
    public async Task Start_WhenOneIsBooted_TakesIt()
    {
        var revision = fixture.PythonProgram(Code, manifest => manifest with { Environment = new Dictionary<string, string> { ["OWN"] = "1" } });
        for (var attempt = 0; attempt < 100; attempt++)
        {
            var before = await UptimeAsync();
            await using var sandbox = await fixture.StartAsync(revision);
            var answer = await AnswerAsync(sandbox);
            Assert.EndsWith(", [\"bootstrap\"], \"1\"]", answer);
            if (long.Parse(answer.Split('"')[1], CultureInfo.InvariantCulture) < before)
            {
                return;
            }

            // Nobody had asked for one before, so it was booted for this start; others are on their way.
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        Assert.Fail("Every sandbox was booted for its function.");
    }

    [Fact]
    public async Task Package_WithManyFiles_IsMountedIntoASandboxOfItsOwn()
    {
        var revision = fixture.Deploy(
            RuntimeIds.Provided, "bootstrap", ProvidedFixture.Package(("bootstrap*", ProvidedFixture.PythonText(Code)), ("a", ""), ("b", ""), ("c", "")));
        await using var sandbox = await fixture.StartAsync(revision);
        Assert.EndsWith(", [\"a\", \"b\", \"bootstrap\", \"c\"], null]", await AnswerAsync(sandbox));
    }

    [Fact]
    public async Task Environment_WithANul_IsAnInitErrorThatSaysWhichVariable()
    {
        var revision = fixture.PythonProgram(Code, manifest => manifest with { Environment = new Dictionary<string, string> { ["CUT"] = "a\0b" } });
        var error = await fixture.FailToStartAsync(revision);
        Assert.Equal(ErrorCode.InitError, error.Code);
        Assert.Contains("CUT", error.Message);
    }

    private static async Task<string> AnswerAsync(ISandbox sandbox) =>
        SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(sandbox.Revision), new TestLog(), CancellationToken.None));

    private static async Task<long> UptimeAsync() =>
        (long)(double.Parse((await File.ReadAllTextAsync("/proc/uptime")).Split(' ')[0], CultureInfo.InvariantCulture) * 100);

    public sealed class Fixture : SandboxFixture
    {
        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:MostLinkedFiles"] = "3", ["Sandbox:PoolMinimum"] = "1" };
    }
}
