using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary><c>./run</c>: what it says when it cannot start, what it leaves, what comes back.</summary>
public sealed class RunScriptTests
{
    [Fact]
    public async Task Run_PortTaken_SaysByWhomAndWhatToDo()
    {
        using var place = new Workplace();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;

        var (status, _, error) = await place.RunAsync($"./run --port {port} --data .faas");

        Assert.Equal(1, status);
        Assert.Contains($"Port {port} of 127.0.0.1 is taken by process {Environment.ProcessId} (", error);
        Assert.Contains("./run --port", error);
        // Nothing was begun.
        Assert.False(Directory.Exists(place.PathOf(".faas")));
        Assert.False(Directory.Exists(place.PathOf("config")));
    }

    [Theory]
    [InlineData("--port 0", "expected 1 to 65535")]
    [InlineData("--port http", "expected 1 to 65535")]
    [InlineData("--workers 2", "needs --cluster")]
    [InlineData("--cluster --workers 0", "expected 1 to 99")]
    [InlineData("--port", "needs a value")]
    [InlineData("--prot 8080", "There is no option '--prot'")]
    [InlineData("--data /proc/nothing", "./run --data DIR")]
    public async Task Run_WrongOption_SaysWhatIsExpected(string options, string said)
    {
        using var place = new Workplace();

        // A free port unless the test is about it, so that a cluster which happens to run on 8080 does not matter.
        var port = options.Contains("--port", StringComparison.Ordinal) ? "" : $"--port {FreePorts.Next()}";
        var (status, _, error) = await place.RunAsync($"./run {port} {options}");

        Assert.Equal(1, status);
        Assert.Contains(said, error);
    }

    [Fact]
    public async Task Test_UnknownGenerationOfServers_SaysWhichThereAre()
    {
        using var place = new Workplace();

        var (status, _, error) = await place.RunAsync($"{Repository.Root}/test --generation 14");

        Assert.Equal(1, status);
        Assert.Contains("there is no generation '14'; expected 13 (Debian 13: RabbitMQ 4.0, PostgreSQL 17)", error);
    }

    [Fact]
    public async Task Run_WithoutTheSdk_SaysWhatToInstall()
    {
        using var place = new Workplace();

        // Everything that is in /usr/bin but dotnet.
        var (status, _, error) = await place.RunAsync(
            $"mkdir bin; for f in bash sh awk cat cut dirname env find flock grep head id mkdir mktemp mv date printf ps readlink realpath rm sed seq sleep sort stat tail tr; do ln -s \"$(command -v $f)\" bin/$f; done; PATH=$PWD/bin ./run --port {FreePorts.Next()}");

        Assert.Equal(1, status);
        Assert.Contains("there is no 'dotnet' on the PATH", error);
        Assert.Contains("https://dotnet.microsoft.com", error);
    }

    [Fact]
    public async Task Run_Embedded_SavesItsKeyKeepsItsDataAndLeavesNothing()
    {
        using var place = new Workplace();
        var port = FreePorts.Next();
        await using (var first = await RunScript.StartAsync(place, "--data .faas", port))
        {
            var context = place.PathOf("config/faas/config.json");
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(context));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(place.PathOf(".faas/bootstrap-key")));
            Assert.Equal(first.Url, JsonDocument.Parse(await File.ReadAllTextAsync(context)).RootElement.GetProperty("url").GetString());
            Assert.Equal(0, (await place.RunAsync("./faas deploy examples/hello-python")).Status);

            var (status, _, error) = await place.RunAsync($"./run --port {FreePorts.Next()} --data .faas");
            Assert.Equal(1, status);
            Assert.Contains("Another ./run", error);
            Assert.Equal(0, await first.StopAsync());
        }

        await place.WhenLeftAsync();
        await using var second = await RunScript.StartAsync(place, "--data .faas", port);
        var (_, answer, _) = await place.RunAsync($"curl -sf '{second.Url}/fn/hello?name=Ada'");
        Assert.Equal("""{"message": "Hello, Ada!"}""", answer);
        Assert.Equal(0, await second.StopAsync("TERM"));
        await place.WhenLeftAsync();
    }

    [Fact]
    public async Task Run_ThatNeverBecomesReady_LeavesTheSavedContextAsItWas()
    {
        using var place = new Workplace();
        Directory.CreateDirectory(place.PathOf("config/faas"));
        const string Context = """{"url": "http://192.0.2.1:8080", "key": "faas_of_another_cluster"}""";
        await File.WriteAllTextAsync(place.PathOf("config/faas/config.json"), Context);

        var (status, output, error) = await place.RunAsync($"./run --port {FreePorts.Next()} --data .faas --Gateway:ConcurrentDeploys=0");

        Assert.True(status != 0, output + error);
        Assert.Equal(Context, (await File.ReadAllTextAsync(place.PathOf("config/faas/config.json"))).Trim());
        await place.WhenLeftAsync();
    }

    [Fact]
    public async Task Run_ClusterProcessKilled_IsStartedAgainAndStopsWithTheRest()
    {
        using var place = new Workplace();
        await using (var run = await RunScript.StartAsync(place, "--cluster --workers 1 --data data"))
        {
            Assert.Equal(0, (await place.RunAsync("./faas deploy examples/hello-python")).Status);
            foreach (var name in new[] { "worker-1", "gateway" })
            {
                var killed = Assert.NotNull(ProcessId(place, name));
                await place.RunAsync($"kill -9 {killed}");

                await Until.TrueAsync(() => ProcessId(place, name) is { } id && id != killed, $"{name} started again");
                await Until.TrueAsync(() => run.Output.Contains($"{name} (process {killed}) ended: killed by SIGKILL", StringComparison.Ordinal), "./run says so");
                await Until.TrueAsync(
                    async () => (await place.RunAsync($"curl -sf --max-time 40 '{run.Url}/fn/hello?name=Ada'")).Output == """{"message": "Hello, Ada!"}""",
                    $"calls answered after {name} was killed",
                    TimeSpan.FromMinutes(5));
            }

            Assert.Equal(0, await run.StopAsync());
        }

        await place.WhenLeftAsync();
    }

    // Null while there is none: the file is away, or not written yet.
    private static int? ProcessId(Workplace place, string name)
    {
        try
        {
            return int.TryParse(File.ReadAllText(place.PathOf($"data/run/{name}.pid")), CultureInfo.InvariantCulture, out var id) ? id : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }
}
