using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Processes;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>The examples of the runtime "provided", as they stand in the repository.</summary>
public sealed class ExampleTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    [Fact]
    public async Task Go_ProgramWithALoopOfItsOwn_FactorisesAndStaysWarm()
    {
        var revision = await GoAsync();
        await using var sandbox = await fixture.StartAsync(revision);
        for (var i = 0; i < 3; i++)
        {
            var log = new TestLog();
            var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"number":"1000000016000000063"}"""), log, CancellationToken.None);
            Assert.Equal("""{"factors":["1000000007","1000000009"]}""", SandboxFixture.Text(outcome));
            Assert.StartsWith("stdout: factorising 1000000016000000063 until ", log.Text, StringComparison.Ordinal);
        }

        var error = SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"number":"-1"}"""), new TestLog(), CancellationToken.None), ErrorCode.FunctionError);
        Assert.Equal(("*errors.errorString", "number must be text of a whole number from 2 to 2^80"), (error.Type, error.Message));
        Assert.True(await sandbox.SettleAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Shell_Bootstrap_SummarisesALog()
    {
        var revision = fixture.Deploy(RuntimeIds.Provided, "function.handler", PackageBuilder.FromDirectory(Repository.Example("log-summary-shell")));
        await using var sandbox = await fixture.StartAsync(revision);
        var outcome = await sandbox.InvokeAsync(SandboxFixture.Message(revision, "GET / 200\nGET /favicon.ico 404\nGET /a 200\n"), new TestLog(), CancellationToken.None);
        using var counted = System.Text.Json.JsonDocument.Parse(SandboxFixture.Text(outcome));
        Assert.Equal((2, 1), (counted.RootElement.GetProperty("200").GetInt32(), counted.RootElement.GetProperty("404").GetInt32()));

        var error = SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision, "GET / nothing"), new TestLog(), CancellationToken.None), ErrorCode.FunctionError);
        Assert.Equal(("Shell.Failed", "line 1 does not end in a status: GET / nothing"), (error.Type, error.Message));
    }

    private async Task<FunctionRevision> GoAsync()
    {
        var directory = Path.Combine(fixture.Root, "go-example");
        if (!Directory.Exists(directory))
        {
            Directory.CreateDirectory(directory);
            await GoExample.BuildAsync(directory);
        }

        var manifest = ManifestReader.Read(await File.ReadAllTextAsync(Path.Combine(directory, "function.yaml")), out _)!;
        return fixture.Deploy(RuntimeIds.Provided, "bootstrap", PackageBuilder.FromDirectory(directory), _ => manifest);
    }
}
