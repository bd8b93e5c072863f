using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Processes;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>The examples of the runtime "provided", as they stand in the repository.</summary>
public sealed class ExampleTests(SandboxFixture fixture, ITestOutputHelper output) : IClassFixture<SandboxFixture>
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

    /// <summary>Cold starts against the same program with nothing around it: each until it asks for its first event.</summary>
    [Fact(Explicit = true)]
    public async Task Times()
    {
        var revision = await GoAsync();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var program = Path.Combine(fixture.Root, "go-example", "bootstrap");
        List<double> cold = [], init = [], bare = [], warm = [];
        for (var round = 0; round < 30; round++)
        {
            var clock = Stopwatch.GetTimestamp();
            var start = await fixture.Factory.StartAsync(revision, new TestLog(), CancellationToken.None);
            cold.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            init.Add(start.Init.TotalMilliseconds);
            for (var i = 0; i < 100; i++)
            {
                clock = Stopwatch.GetTimestamp();
                SandboxFixture.Text(await start.Sandbox!.InvokeAsync(SandboxFixture.Message(revision, """{"number":"15"}"""), new TestLog(), CancellationToken.None));
                warm.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            }

            await start.Sandbox!.DisposeAsync();
            clock = Stopwatch.GetTimestamp();
            var info = new ProcessStartInfo(program) { RedirectStandardError = true };
            info.Environment["AWS_LAMBDA_RUNTIME_API"] = listener.LocalEndPoint!.ToString();
            using var process = Process.Start(info)!;
            using (var client = await listener.AcceptAsync())
            {
                await client.ReceiveAsync(new byte[64]);
                bare.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
                process.Kill();
                await process.WaitForExitAsync();
            }
        }

        output.WriteLine($"cold {Show(cold)} (of that init {Show(init)}), bare {Show(bare)}, warm call {Show(warm)} ms; ratio of medians {Middle(cold) / Middle(bare):0.00}");
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

    private static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Show(List<double> values) => $"p10 {values.Order().ElementAt(values.Count / 10):0.00} p50 {Middle(values):0.00} p90 {values.Order().ElementAt(values.Count * 9 / 10):0.00}";
}
