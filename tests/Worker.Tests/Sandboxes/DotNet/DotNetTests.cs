using System.Diagnostics;
using System.Globalization;
using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Processes;

namespace FaasCluster.Worker.Tests.Sandboxes.DotNet;

public sealed class DotNetTests(DotNetFixture fixture, ITestOutputHelper output) : IClassFixture<DotNetFixture>
{
    [Fact]
    public void Runtime_WhereItsFrameworkIs_IsOffered() => Assert.Contains(RuntimeIds.DotNet, fixture.Status.Runtimes);

    [Theory]
    [InlineData("Birthday", """{"name":"Ada","AGE":36,"tags":["é"]}""", """{"name":"Ada","age":37,"tags":["é"]}""")]
    [InlineData("BirthdayLater", """{"Name":"Ada","Age":"36"}""", """{"name":"Ada","age":37,"tags":null}""")]
    [InlineData("Nothing", "[1]", "null")]
    [InlineData("NothingEither", "{}", "null")]
    [InlineData("Echo", "any bytes", "any bytes")]
    [InlineData("EchoLater", "any bytes", "any bytes")]
    [InlineData("Text", "\"a\"", "\"a!\"")]
    [InlineData("Text", "no JSON", "\"no JSON!\"")]
    [InlineData("Context", "{}", """{"functionName":"test","memoryLimitInMB":256,"left":true,"clientContext":null,"length":36}""")]
    [InlineData("OnlyContext", "{}", "\"test\"")]
    public async Task Handler_OfEveryShape_Answers(string method, string body, string expected) =>
        Assert.Equal(expected, SandboxFixture.Text(await fixture.RunAsync(fixture.Method(method), body)));

    [Fact]
    public async Task Instance_LivesAsLongAsItsSandbox()
    {
        var revision = fixture.Method("Count");
        await using var sandbox = await fixture.StartAsync(revision);
        foreach (var expected in new[] { "1", "2", "3" })
        {
            Assert.Equal(expected, SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
        }
    }

    [Fact]
    public async Task Console_IsTheLog()
    {
        var log = new TestLog();
        await fixture.RunAsync(fixture.Method("Print"), log: log);
        Assert.Equal(["stderr: error", "stdout: out", "stdout: rest"], log.Text.Split('\n').Order());
    }

    [Fact]
    public async Task Exception_HasItsTypeItsMessageAndTheUsersFrames()
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Method("Fail"), """{"name":"city"}"""), ErrorCode.FunctionError);

        Assert.Equal(("System.ArgumentException", "no such city"), (error.Type, error.Message));
        Assert.Equal(2, error.StackTrace!.Count);
        Assert.Contains("Tests.Handlers.Fail(Person person)", error.StackTrace[0]);
        Assert.Contains("Tests.Handlers.Inner(Person person) in ", error.StackTrace[1]);
        Assert.Contains("Code.cs:line ", error.StackTrace[1]);
    }

    [Fact]
    public async Task Exception_AfterAnAwait_IsTheUsersToo_AndMayAdvise()
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(fixture.Method("FailLater")), ErrorCode.FunctionError);
        Assert.Equal(("Tests.NoRetry", "later"), (error.Type, error.Message));
        Assert.NotNull(error.Advice);
        Assert.Single(error.StackTrace!);
    }

    [Theory]
    [InlineData("Missing", "Handlers", "no method 'Missing'")]
    [InlineData("Run", "Nobody", "no type 'Tests.Nobody'")]
    [InlineData("Two", "Handlers", "expected (event)")]
    [InlineData("Same", "Handlers", "has 2 methods 'Same'")]
    [InlineData("Run", "Broken", "no settings")]
    [InlineData("Run", "BrokenConstructor", "no database")]
    public async Task Handler_ThatCannotBeLoaded_IsAnInitErrorThatSaysWhy(string method, string type, string message)
    {
        var error = await fixture.FailToStartAsync(fixture.Method(method, type: type));
        Assert.Equal(ErrorCode.InitError, error.Code);
        Assert.Contains(message, error.Message);
    }

    [Fact]
    public async Task Event_OfAnotherShape_IsSaid() =>
        Assert.Equal("Runtime.UnmarshalError", SandboxFixture.Error(await fixture.RunAsync(fixture.Method("Birthday"), "[1]"), ErrorCode.FunctionError).Type);

    [Fact]
    public async Task Environment_IsTheFunctions() =>
        Assert.Equal("\"xtest/var/task\"", SandboxFixture.Text(await fixture.RunAsync(fixture.Method("Environment", manifest => manifest with { Environment = new Dictionary<string, string> { ["OWN"] = "x" } }))));

    [Fact]
    public async Task Process_ThatExits_IsSaid() => Assert.Contains("status 3", SandboxFixture.Error(await fixture.RunAsync(fixture.Method("Exit")), ErrorCode.ProcessExited).Message);

    [Fact]
    public async Task Answer_ThatIsTooLarge_IsRefused() => SandboxFixture.Error(await fixture.RunAsync(fixture.Method("Large")), ErrorCode.ResponseTooLarge);

    [Fact]
    public async Task Loop_WithoutEnd_EndsAtTheTimeout() =>
        SandboxFixture.Error(await fixture.RunAsync(fixture.Method("Forever", manifest => manifest with { Timeout = TimeSpan.FromMilliseconds(300) })), ErrorCode.Timeout);

    [Fact]
    public async Task Memory_WithoutEnd_IsOutOfMemory() =>
        SandboxFixture.Error(await fixture.RunAsync(fixture.Method("Memory", manifest => manifest with { MemoryBytes = 128L << 20 })), ErrorCode.OutOfMemory);

    [Fact]
    public async Task Garbage_IsCollectedWithinTheLimit() =>
        Assert.Equal("2000", SandboxFixture.Text(await fixture.RunAsync(fixture.Method("Garbage", manifest => manifest with { MemoryBytes = 128L << 20 }))));

    [Fact]
    public async Task Example_MakesAnInvoice()
    {
        var directory = await DotNetProject.PublishExampleAsync(Repository.Example("invoice"), fixture.Root);
        var manifest = ManifestReader.Read(await File.ReadAllTextAsync(Path.Combine(directory, "function.yaml")), out _)!;
        var revision = fixture.Deploy(manifest.Runtime, manifest.Handler, PackageBuilder.FromDirectory(directory, (_, _) => false), _ => manifest);
        const string Order = """{"customer":"Ada","lines":[{"article":"tea","quantity":3,"price":2.50,"taxPercent":7},{"article":"pot","quantity":1,"price":20,"taxPercent":19}]}""";

        var text = SandboxFixture.Text(await fixture.RunAsync(revision, Order));

        Assert.Contains(""""customer":"Ada","taxes":[{"percent":7,"net":7.50,"amount":0.53},{"percent":19,"net":20,"amount":3.8}],"net":27.50,"total":31.83}"""", text);
        var error = SandboxFixture.Error(await fixture.RunAsync(revision, """{"customer":"Ada"}"""), ErrorCode.FunctionError);
        Assert.Equal(("Shop.WrongOrderException", "The order has no lines."), (error.Type, error.Message));
    }

    [Fact(Explicit = true)]
    public async Task Times()
    {
        List<double> take = [], init = [], first = [], warm = [], bare = [];
        var revision = fixture.Method("Birthday");
        var body = Encoding.UTF8.GetBytes("""{"name":"Ada","age":36}""");
        var published = Path.Combine(AppContext.BaseDirectory, "runtimes", "dotnet", "FaasCluster.Runtime.dll");
        for (var round = 0; round < 12; round++)
        {
            await (await fixture.StartAsync(revision)).DisposeAsync();
            await Task.Delay(1500);
            var clock = Stopwatch.GetTimestamp();
            var start = await fixture.Factory.StartAsync(revision, new TestLog(), CancellationToken.None);
            await start.Sandbox!.InvokeAsync(SandboxFixture.Message(revision, body), new TestLog(), CancellationToken.None);
            first.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            take.Add(start.Start.TotalMilliseconds);
            init.Add(start.Init.TotalMilliseconds);
            for (var i = 0; i < 200; i++)
            {
                clock = Stopwatch.GetTimestamp();
                await start.Sandbox.InvokeAsync(SandboxFixture.Message(revision, body), new TestLog(), CancellationToken.None);
                warm.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
            }

            await start.Sandbox.DisposeAsync();
            clock = Stopwatch.GetTimestamp();
            using (var process = Process.Start(new ProcessStartInfo("dotnet", [published]) { RedirectStandardError = true, RedirectStandardOutput = true })!)
            {
                // Without descriptor 3 it ends where it would begin to wait: as bare a start of it as there is.
                await process.WaitForExitAsync();
            }

            bare.Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"take {Show(take)}, init {Show(init)}, to first answer {Show(first)}, warm {Show(warm)}, the process alone with rehearsal {Show(bare)} ms"));
    }

    private static string Show(List<double> values)
    {
        values.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"p50 {values[values.Count / 2]:0.00} p99 {values[values.Count * 99 / 100]:0.00}");
    }
}
