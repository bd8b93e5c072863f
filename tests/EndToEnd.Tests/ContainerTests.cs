using System.Diagnostics;
using System.Text.Json;
using FaasCluster.EndToEnd.Tests.Hosting;
using FaasCluster.Testing;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>
/// The worker in its container, without a Docker engine: deploy/images/proof runs the image's root under crun with Docker's default
/// settings and what docker-compose.yml adds to them.
/// </summary>
public sealed class ContainerTests(PublishedWorker worker) : IClassFixture<PublishedWorker>
{
    // The image's root is made from scratch the first time, over the network.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(12);

    [Fact]
    public async Task Canary_InTheComposedContainer_Passes()
    {
        RequireRoot();

        var run = await ProveAsync();

        Assert.True(run.Status == 0, run.Output);
        Assert.Contains("The canary passed", run.Output);
        Assert.Contains("memory limits Full", run.Output);
    }

    [Theory]
    [InlineData("exceptions")]
    [InlineData("seccomp")]
    [InlineData("systempaths")]
    public async Task Canary_WithoutWhatTheComposeFileAdds_FailsAndSaysWhy(string setting)
    {
        RequireRoot();

        var run = await ProveAsync("--without", setting);

        Assert.True(run.Status == 1, run.Output);
        Assert.Contains("The canary failed", run.Output);
        Assert.Contains(setting == "systempaths" ? "Can't mount proc" : "No permissions to create new namespace", run.Output);
    }

    [Fact]
    public async Task Canary_WithoutAnyOfTheSettings_FailsWithDockersOwnCapabilitiesToo()
    {
        RequireRoot();

        var run = await ProveAsync("--without", "exceptions", "--without", "cap_drop");

        Assert.True(run.Status == 1, run.Output);
        Assert.Contains("The canary failed", run.Output);
    }

    [Fact]
    public async Task Canary_WithoutWritableCgroups_WarnsThatFunctionsAreNotHeldToTheirMemory()
    {
        RequireRoot();

        var run = await ProveAsync("--without", "writable-cgroups");

        Assert.True(run.Status == 0, run.Output);
        Assert.Contains("memory limits PerProcess", run.Output);
        Assert.Contains("Memory limits are not enforced", run.Output);
    }

    [Fact]
    public async Task Functions_OnAWorkerInTheComposedContainer_RunAndAreHeldToTheirLimits()
    {
        RequireRoot();
        await using var platform = await ClusterPlatform.StartAsync(new Dictionary<string, string>(), workers: 1);
        var client = platform.Client;
        using var process = Start(
            "deploy/images/proof", [], "--worker", worker.Directory, "--host-network", "--", "tini", "--", "dotnet", "FaasCluster.Worker.dll", "--urls", "http://127.0.0.1:0",
            "--ConnectionStrings:Postgres", platform.ConnectionString, "--ConnectionStrings:RabbitMq", platform.BrokerUri);
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            // The container's worker has joined; then the other one leaves it alone with the functions.
            await Until.TrueAsync(
                async () =>
                {
                    Assert.False(process.HasExited, process.HasExited ? $"The container ended: {string.Join('\n', await output)}" : "");
                    return await CountWorkersAsync(client) == 2;
                },
                "the worker in the container has joined",
                Limit);
            Assert.Equal(0, await platform.Workers[0].StopAsync());
            await Until.TrueAsync(async () => await CountWorkersAsync(client) == 1, "the other worker has left");

            foreach (var example in new[] { "hello-python", "hello-node", "wordcount", "thumbnail" })
            {
                await client.DeployDirectoryAsync(Repository.Example(example));
            }

            Assert.Equal("""{"message": "Hello, Ada!"}""", await client.Http.GetStringAsync("/fn/hello?name=Ada"));
            using var node = await client.InvokeAsync("hello-node", """{"name":"Ada"}""");
            Assert.Contains("Hello, Ada!", await node.Content.ReadAsStringAsync());
            using var words = await client.InvokeAsync("wordcount", "to be or not to be");
            Assert.Contains("6", await words.Content.ReadAsStringAsync());
            using var picture = await client.Http.PostAsync("/fn/thumbnail?width=200", new ByteArrayContent(await File.ReadAllBytesAsync(Photographs.Butterfly)));
            Assert.Equal(200, Photographs.SizeOf(await picture.Content.ReadAsByteArrayAsync()).Width);

            await client.DeployFileAsync("app.py", "def handler(event, context):\n    return len(bytearray(500 << 20))\n", "{name: hungry, runtime: python3, handler: app.handler, memory: 128MB}");
            using var hungry = await client.InvokeAsync("hungry");
            Assert.Equal("out_of_memory", hungry.Headers.GetValues("Faas-Error").Single());
            await client.DeployFileAsync("app.py", "import time\ndef handler(event, context):\n    time.sleep(600)\n", "{name: sleepy, runtime: python3, handler: app.handler, timeout: 1s}");
            using var sleepy = await client.InvokeAsync("sleepy");
            Assert.Equal("timeout", sleepy.Headers.GetValues("Faas-Error").Single());
        }
        finally
        {
            await RunAsync("/bin/kill", "-TERM", process.Id.ToString());
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join("\n", await output));
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
    }

    [Fact]
    public async Task Canary_AsProcessOneOfTheContainer_AsksForAnInit()
    {
        RequireRoot();

        var run = await ProveAsync("--", "dotnet", "FaasCluster.Worker.dll", "--canary");

        Assert.True(run.Status == 1, run.Output);
        Assert.Contains("tini", run.Output);
    }

    [Fact]
    public async Task Proof_ThatWasEnded_LeavesNothing()
    {
        RequireRoot();
        using var directory = new TemporaryDirectory();

        await ProveAsync("--", "true");
        using var process = Start("deploy/images/proof", [("TMPDIR", directory.Path)], "--worker", worker.Directory, "--", "sh", "-c", "echo started; exec sleep 600");
        Assert.Equal("started", await process.StandardOutput.ReadLineAsync().WaitAsync(Limit));
        await RunAsync("/bin/kill", "-TERM", process.Id.ToString());
        await process.WaitForExitAsync().WaitAsync(Limit);

        Assert.Equal(143, process.ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(directory.Path));
        Assert.DoesNotContain(directory.Path, await File.ReadAllTextAsync("/proc/mounts"));
        Assert.Empty(Directory.EnumerateDirectories("/sys/fs/cgroup", $"faascluster-proof-{process.Id}.*", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 1 }));
    }

    [Theory]
    [InlineData("    cgroup: private", "    privileged: true", "privileged")]
    [InlineData("      - CHOWN", "      - SYS_ADMIN", "SYS_ADMIN")]
    [InlineData("      - writable-cgroups=true", "      - label=disable", "label")]
    [InlineData("    cgroup: private", "    pid: host", "pid")]
    public async Task Proof_OfAComposeFileThatSaysMore_IsRefused(string line, string instead, string named)
    {
        using var directory = new TemporaryDirectory();
        var changed = (await File.ReadAllTextAsync(Path.Combine(BrokerScript.RepositoryRoot, "docker-compose.yml"))).Replace(line, instead);
        Assert.Contains(instead, changed);
        var file = Path.Combine(directory.Path, "docker-compose.yml");
        await File.WriteAllTextAsync(file, changed);
        Directory.CreateSymbolicLink(Path.Combine(directory.Path, "deploy"), Path.Combine(BrokerScript.RepositoryRoot, "deploy"));

        var run = await RunAsync("deploy/images/oci-config", "--compose", file, "--root", "/image", "--", "true");

        Assert.Equal(2, run.Status);
        Assert.Contains(named, run.Output);
    }

    [Fact]
    public async Task Config_OfTheWorker_HoldsTheComposeFilesSettings()
    {
        var with = JsonDocument.Parse((await RunAsync("deploy/images/oci-config", "--root", "/image", "--", "true")).Output).RootElement;
        var without = JsonDocument.Parse((await RunAsync("deploy/images/oci-config", "--root", "/image", "--without", "exceptions", "--without", "cap_drop", "--", "true")).Output).RootElement;

        Assert.Empty(Strings(with.GetProperty("linux").GetProperty("maskedPaths")));
        Assert.Contains("/proc/sys", Strings(without.GetProperty("linux").GetProperty("readonlyPaths")));
        Assert.True(with.GetProperty("process").GetProperty("noNewPrivileges").GetBoolean());
        Assert.Equal(
            ["CAP_CHOWN", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"],
            Strings(with.GetProperty("process").GetProperty("capabilities").GetProperty("bounding")).Order());
        Assert.Equal(14, Strings(without.GetProperty("process").GetProperty("capabilities").GetProperty("bounding")).Count());
        Assert.Contains("mount", AllowedCalls(with));
        Assert.DoesNotContain("mount", AllowedCalls(without));
        Assert.DoesNotContain("unshare", AllowedCalls(without));
    }

    private static IEnumerable<string> Strings(JsonElement array) => array.EnumerateArray().Select(item => item.GetString()!);

    private static IEnumerable<string> AllowedCalls(JsonElement config) =>
        config.GetProperty("linux").GetProperty("seccomp").GetProperty("syscalls").EnumerateArray()
            .Where(call => call.GetProperty("action").GetString() == "SCMP_ACT_ALLOW")
            .SelectMany(call => Strings(call.GetProperty("names")));

    private static async Task<int> CountWorkersAsync(FaasClient client) =>
        JsonDocument.Parse(await client.Http.GetStringAsync("/api/status")).RootElement.GetProperty("workers").GetArrayLength();

    private static void RequireRoot()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Skip("Starting a container needs root.");
        }
    }

    private Task<(int Status, string Output)> ProveAsync(params string[] arguments) => RunAsync("deploy/images/proof", ["--worker", worker.Directory, .. arguments]);

    private static async Task<(int Status, string Output)> RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, [], arguments);
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output + await errors);
    }

    private static Process Start(string program, (string Name, string Value)[] environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(BrokerScript.RepositoryRoot, program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }
}
