using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace FaasCluster.Cli.Tests.Deploying;

public sealed class DeployTests
{
    private const string Manifest = "name: hello\nruntime: python3\nhandler: app.hello_world\n";

    [Fact]
    public async Task Deploy_Directory_SendsManifestAndPackageAndPrintsOneLine()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster).WithFile("f/function.yaml", Manifest).WithFile("f/app.py", "code").WithFile("f/lib/part.py", "more");

        await run.RunAsync("deploy", "f");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^hello  revision 1  2\.1 kB  ready in \d+\.\d s  http://127\.0\.0\.1:8080/fn/hello\n$", run.Output);
        var (manifest, package) = await ReadFormAsync(cluster);
        Assert.Equal(Manifest, manifest);
        Assert.Equal(["app.py", "function.yaml", "lib/part.py"], Entries(package));
    }

    [Fact]
    public async Task Deploy_NoPath_IsTheCurrentDirectory()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster).WithFile("function.yaml", Manifest).WithFile("app.py", "code");

        await run.RunAsync("deploy");

        Assert.Equal(0, run.ExitCode);
    }

    [Fact]
    public async Task Deploy_SameFilesTwice_SendsTheSameBytes()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var first = new CommandRun(cluster).WithFile("function.yaml", Manifest).WithFile("b.py", "2").WithFile("a.py", "1");
        using var second = new CommandRun(cluster).WithFile("a.py", "1").WithFile("b.py", "2").WithFile("function.yaml", Manifest);
        File.SetLastWriteTimeUtc(Path.Combine(second.Directory, "a.py"), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        await first.RunAsync("deploy");
        var (_, firstPackage) = await ReadFormAsync(cluster);
        await second.RunAsync("deploy");
        var (_, secondPackage) = await ReadFormAsync(cluster);

        Assert.Equal(firstPackage, secondPackage);
    }

    [Fact]
    public async Task Deploy_FaasIgnore_LeavesOutWhatItNames()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster)
            .WithFile("function.yaml", Manifest).WithFile("app.py", "code").WithFile("notes.md", "x").WithFile("tests/a.py", "x").WithFile("data/keep.json", "x")
            .WithFile(".faasignore", "# not needed\n*.md\ntests/\n");

        await run.RunAsync("deploy");

        var (_, package) = await ReadFormAsync(cluster);
        Assert.Equal(["app.py", "data/keep.json", "function.yaml"], Entries(package));
    }

    [Fact]
    public async Task Deploy_SingleFile_MakesTheManifestFromOptions()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster).WithFile("app.py", "code");

        await run.RunAsync(
            "deploy", "app.py", "--name", "hello", "--handler", "app.hello_world", "--memory", "512MB", "--timeout", "5s", "--url-auth", "none", "--env", "A=1", "-e", "B=x=y");

        Assert.Equal("", run.Error);
        var (manifest, package) = await ReadFormAsync(cluster);
        var read = Contracts.Functions.ManifestReader.Read(manifest!, out _)!;
        Assert.Equal("python3", read.Runtime);
        Assert.Equal(512L << 20, read.MemoryBytes);
        Assert.Equal(TimeSpan.FromSeconds(5), read.Timeout);
        Assert.Equal(Contracts.Functions.UrlAuth.None, read.UrlAuth);
        Assert.Equal("1", read.Environment["A"]);
        Assert.Equal("x=y", read.Environment["B"]);
        Assert.Equal(["app.py"], Entries(package));
    }

    [Fact]
    public async Task Deploy_SingleScript_IsAnExecutable()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster).WithFile("main.sh", "#!/bin/sh\n");

        await run.RunAsync("deploy", "main.sh", "--name", "hello");

        var (manifest, package) = await ReadFormAsync(cluster);
        var read = Contracts.Functions.ManifestReader.Read(manifest!, out _)!;
        Assert.Equal(("executable", "main.sh"), (read.Runtime, read.Handler));
        using var zip = new ZipArchive(new MemoryStream(package));
        Assert.NotEqual(0, (zip.Entries[0].ExternalAttributes >> 16) & 0x40);
    }

    [Theory]
    [InlineData("bootstrap", "--timeout", "5s")]
    [InlineData("main", "--runtime", "provided.al2023")]
    public async Task Deploy_SingleProgramForLambda_IsTheBootstrap(string file, string option, string value)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster).WithFile(file, "#!/bin/sh\n");

        await run.RunAsync("deploy", file, "--name", "hello", option, value);

        var (manifest, package) = await ReadFormAsync(cluster);
        Assert.Equal("provided", Contracts.Functions.ManifestReader.Read(manifest!, out _)!.Runtime);
        using var zip = new ZipArchive(new MemoryStream(package));
        Assert.Equal("bootstrap", Assert.Single(zip.Entries).FullName);
        Assert.NotEqual(0, (zip.Entries[0].ExternalAttributes >> 16) & 0x40);
    }

    [Fact]
    public async Task Deploy_SingleModule_IsWasm()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster).WithFile("main.wasm", "\0asm");

        await run.RunAsync("deploy", "main.wasm", "--name", "hello");

        var (manifest, package) = await ReadFormAsync(cluster);
        var read = Contracts.Functions.ManifestReader.Read(manifest!, out _)!;
        Assert.Equal(("wasm", "main.wasm"), (read.Runtime, read.Handler));
        Assert.Equal(["main.wasm"], Entries(package));
    }

    [Fact]
    public async Task Deploy_DirectoryWithOptions_ChangesTheManifestForThisDeploy()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        using var run = new CommandRun(cluster).WithFile("function.yaml", Manifest + "env: { A: old, C: 3 }\n").WithFile("app.py", "code");

        await run.RunAsync("deploy", "--name", "other", "--env", "A=new");

        var (manifest, _) = await ReadFormAsync(cluster);
        var read = Contracts.Functions.ManifestReader.Read(manifest!, out _)!;
        Assert.Equal("other", read.Name);
        Assert.Equal("new", read.Environment["A"]);
        Assert.Equal("3", read.Environment["C"]);
    }

    [Fact]
    public async Task Deploy_Zip_IsSentAsItIs()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function(), 201);
        byte[] zip = [1, 2, 3];
        using var run = new CommandRun(cluster).WithFile("p.zip", zip);

        await run.RunAsync("deploy", "p.zip");

        var (manifest, package) = await ReadFormAsync(cluster);
        Assert.Null(manifest);
        Assert.Equal(zip, package);
    }

    [Theory]
    [InlineData("name: hello\nruntime: python3\nhandler: app.h\nmemory: 1MB\n", "memory: '1MB' is out of range; expected 64MB to 10240MB.")]
    [InlineData("name: hello\nruntime: python3\nhandler: app.h\nmemroy: 64MB\n", "did you mean 'memory'?")]
    [InlineData("name: hello\nruntime: python3\nhandler: app.h\nnetwork: host\n", "network: 'host'")]
    [InlineData("name: hello\nruntime: wasm\nhandler: app.wasm\nnetwork: egress\n", "network: 'egress' does not exist for the wasm runtime: wasm functions have no network; remove 'network', or set it to none.")]
    [InlineData("name: [", "manifest: is no valid YAML")]
    public async Task Deploy_WrongManifest_EndsWith2BeforeAnythingIsSent(string manifest, string said)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = new CommandRun(cluster).WithFile("function.yaml", manifest).WithFile("app.py", "code");

        await run.RunAsync("deploy");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, run.Error);
        Assert.Empty(cluster.Requests);
    }

    [Fact]
    public async Task Deploy_LinkOutOfTheDirectory_EndsWith2()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = new CommandRun(cluster).WithFile("f/function.yaml", Manifest).WithFile("f/app.py", "code").WithFile("secret", "x");
        File.CreateSymbolicLink(Path.Combine(run.Directory, "f/link"), Path.Combine(run.Directory, "secret"));

        await run.RunAsync("deploy", "f");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("'link'", run.Error);
        Assert.Empty(cluster.Requests);
    }

    [Fact]
    public async Task Deploy_Warnings_AreShown()
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        cluster.On("POST /api/functions", Documents.Function() with { Warnings = ["Memory cannot be limited on worker-1."] }, 201);
        using var run = new CommandRun(cluster).WithFile("function.yaml", Manifest).WithFile("app.py", "code");

        await run.RunAsync("deploy", "-o", "json");

        Assert.Contains("Warning: Memory cannot be limited on worker-1.", run.Error);
        Assert.Contains("\"name\": \"hello\"", run.Output);
    }

    internal static string[] Entries(byte[] package)
    {
        using var zip = new ZipArchive(new MemoryStream(package));
        return [.. zip.Entries.Select(entry => entry.FullName)];
    }

    // What the cluster got in its last request.
    internal static async Task<(string? Manifest, byte[] Package)> ReadFormAsync(ScriptedCluster cluster)
    {
        var body = cluster.Bodies.Last();
        var boundary = Encoding.ASCII.GetString(body.AsSpan(2, body.AsSpan().IndexOf("\r\n"u8) - 2));
        var reader = new MultipartReader(boundary, new MemoryStream(body));
        string? manifest = null;
        byte[] package = [];
        while (await reader.ReadNextSectionAsync() is { } section)
        {
            using var content = new MemoryStream();
            await section.Body.CopyToAsync(content);
            if (section.ContentDisposition!.Contains("manifest", StringComparison.Ordinal))
            {
                manifest = Encoding.UTF8.GetString(content.ToArray());
            }
            else
            {
                package = content.ToArray();
            }
        }

        return (manifest, package);
    }
}
