using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;

namespace FaasCluster.Cli.Tests.Deploying;

/// <summary>What <c>deploy</c> installs, by the real npm and the real pip, from packages that lie beside the function: no registry is asked.</summary>
public sealed class DependencyTests
{
    [Fact]
    public async Task Npm_LockedDependency_IsDeployedAndTheDirectoryStaysAsItIs()
    {
        await using var cluster = await StartAsync();
        using var run = NodeFunction(cluster).WithFile(".faasignore", "package.json\n").WithFile(".npmrc", "fund=false\n").WithFile("node_modules/tool/index.js", "what a developer installed");

        await run.RunAsync("deploy");

        Assert.True(run.ExitCode == 0, run.Error);
        var (_, first) = await DeployTests.ReadFormAsync(cluster);
        Assert.Equal("exports.greet = 'hello';", Read(first, "node_modules/greet/index.js"));
        Assert.Equal(
            ["function.yaml", "index.js", "node_modules/.package-lock.json", "node_modules/greet/index.js", "node_modules/greet/package.json", "package-lock.json", "vendor/greet.tgz"],
            DeployTests.Entries(first));
        Assert.Equal(["tool"], Directory.GetFileSystemEntries(Path.Combine(run.Directory, "node_modules")).Select(Path.GetFileName));

        // The same declaration gives the same bytes.
        await run.RunAsync("deploy");
        Assert.Equal(first, (await DeployTests.ReadFormAsync(cluster)).Package);
    }

    [Fact]
    public async Task Npm_PackageThatIsNotTheLockedOne_EndsWith2AndSaysSo()
    {
        await using var cluster = await StartAsync();

        // npm keeps what it saw by its hash, so this is one that it never saw.
        using var run = NodeFunction(cluster, locked: RandomNumberGenerator.GetBytes(64));

        await run.RunAsync("deploy");

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("could not install what package-lock.json declares", run.Error);
        Assert.Contains("EINTEGRITY", run.Error);
        Assert.Contains("list package-lock.json in .faasignore", run.Error);
        Assert.Empty(cluster.Requests);
    }

    [Fact]
    public async Task Npm_LockThatIsIgnored_DeploysTheDirectoryAsItIs()
    {
        await using var cluster = await StartAsync();
        using var run = NodeFunction(cluster).WithFile(".faasignore", "package-lock.json\nvendor/\n").WithFile("node_modules/greet/index.js", "bundled");

        await run.RunAsync("deploy");

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(["function.yaml", "index.js", "node_modules/greet/index.js", "package.json"], DeployTests.Entries((await DeployTests.ReadFormAsync(cluster)).Package));
    }

    [Fact]
    public async Task Pip_Requirement_IsDeployedBesideTheCode()
    {
        await using var cluster = await StartAsync();
        using var run = new CommandRun(cluster)
            .WithFile("function.yaml", "name: hello\nruntime: python3\nhandler: app.handler\n").WithFile("app.py", "import greet").WithFile(".faasignore", "vendor/\n")
            .WithFile("requirements.txt", "# none of a registry\n./vendor/greet-1.0.0-py3-none-any.whl\n").WithFile("vendor/greet-1.0.0-py3-none-any.whl", Wheel());

        await run.RunAsync("deploy");

        Assert.True(run.ExitCode == 0, run.Error);
        var (_, package) = await DeployTests.ReadFormAsync(cluster);
        Assert.Equal("HELLO = 'hello'", Read(package, "greet.py"));
        Assert.Equal(["app.py", "function.yaml", "greet.py", "requirements.txt"], DeployTests.Entries(package).Where(name => !name.StartsWith("greet-1.0.0.dist-info/", StringComparison.Ordinal)));
        Assert.False(File.Exists(Path.Combine(run.Directory, "greet.py")));
    }

    private static async Task<ScriptedCluster> StartAsync() => (await ScriptedCluster.StartAsync()).On("POST /api/functions", Documents.Function(), 201);

    private static CommandRun NodeFunction(ScriptedCluster cluster, byte[]? locked = null)
    {
        var tarball = Tarball("exports.greet = 'hello';");
        return new CommandRun(cluster)
            .WithFile("function.yaml", "name: hello\nruntime: nodejs\nhandler: index.handler\n").WithFile("index.js", "require('greet')").WithFile("vendor/greet.tgz", tarball)
            .WithFile("package.json", """{"name":"hello","private":true,"dependencies":{"greet":"file:vendor/greet.tgz"}}""")
            .WithFile("package-lock.json", """
                {"name":"hello","lockfileVersion":3,"requires":true,"packages":{
                "":{"name":"hello","dependencies":{"greet":"file:vendor/greet.tgz"}},
                "node_modules/greet":{"version":"1.0.0","resolved":"file:vendor/greet.tgz","integrity":"sha512-HASH","bin":{"greet":"index.js"}}}}
                """.Replace("HASH", Convert.ToBase64String(locked ?? SHA512.HashData(tarball)), StringComparison.Ordinal));
    }

    // With a program for the command line, of which a package of a function gets no link.
    private static byte[] Tarball(string code)
    {
        using var output = new MemoryStream();
        using (var zip = new GZipStream(output, CompressionLevel.Optimal, leaveOpen: true))
        using (var tar = new TarWriter(zip, TarEntryFormat.Ustar))
        {
            foreach (var (name, text) in new[] { ("package/package.json", """{"name":"greet","version":"1.0.0","bin":{"greet":"index.js"}}"""), ("package/index.js", code) })
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)), ModificationTime = DateTimeOffset.UnixEpoch });
            }
        }

        return output.ToArray();
    }

    private static byte[] Wheel()
    {
        using var output = new MemoryStream();
        using (var zip = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, text) in new[]
            {
                ("greet.py", "HELLO = 'hello'"),
                ("greet-1.0.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: greet\nVersion: 1.0.0\n"),
                ("greet-1.0.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
                ("greet-1.0.0.dist-info/RECORD", "greet.py,,\ngreet-1.0.0.dist-info/METADATA,,\ngreet-1.0.0.dist-info/WHEEL,,\ngreet-1.0.0.dist-info/RECORD,,\n"),
            })
            {
                using var stream = zip.CreateEntry(name).Open();
                stream.Write(Encoding.UTF8.GetBytes(text));
            }
        }

        return output.ToArray();
    }

    private static string Read(byte[] package, string name)
    {
        using var zip = new ZipArchive(new MemoryStream(package));
        using var reader = new StreamReader(zip.GetEntry(name)!.Open());
        return reader.ReadToEnd();
    }
}
