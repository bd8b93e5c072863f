using System.Text.Json;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;
using FaasCluster.Worker.Tests.Sandboxes.Provided;

namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>Words of users that look like options, scripts or several arguments stay the one word that they are.</summary>
public sealed class InjectionTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private static readonly Dictionary<string, string> Hostile = new()
    {
        ["A"] = "--bind",
        ["B"] = "x\n--ro-bind\n/\n/host",
        ["C"] = "$(touch /tmp/pwned)`touch /tmp/pwned`; touch /tmp/pwned #",
        ["D"] = "' \" \\ \t",
        ["LD_PRELOADED"] = "\u00e9\u4e2d",
    };

    [Theory]
    [InlineData("--version")]
    [InlineData("$(touch pwned).sh")]
    [InlineData("a b; touch /tmp/pwned #.sh")]
    public async Task Words_OfAProgramsManifest_AreNeverRead(string handler)
    {
        var revision = fixture.Deploy(
            RuntimeIds.Executable,
            handler,
            PackageBuilder.FromFile(handler, "#!/bin/sh\nenv -0 | grep -z -E '^(A|B|C|D|LD_PRELOADED)=' | sort -z | tr '\\0' '|'\nls -d /host /tmp/* /var/task/pwned* 2>/dev/null\nexit 0"u8, executable: true),
            manifest => manifest with { Environment = Hostile });

        var text = SandboxFixture.Text(await fixture.RunAsync(revision));

        Assert.Equal(string.Concat(Hostile.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key}={pair.Value}|")), text);
    }

    [Fact]
    public async Task Words_OfALambdaProgramsManifest_AreNeverRead()
    {
        var hostile = new Dictionary<string, string>(Hostile) { ["E"] = "'; touch /tmp/pwned; exec /usr/bin/sh '", ["OPTIND"] = "$(touch /tmp/pwned)", ["PPID"] = "'" };
        var revision = fixture.PythonProgram(
            "import os\ndef handler(event, context):\n    return [os.environ.get(name) for name in event] + [os.path.exists('/host'), os.listdir('/tmp'), os.listdir('/var/task')]",
            manifest => manifest with { Environment = hostile, Name = "--help", Handler = "'; touch /tmp/pwned; '" });
        string[] names = [.. hostile.Keys, "_HANDLER", "AWS_LAMBDA_FUNCTION_NAME"];

        var text = SandboxFixture.Text(await fixture.RunAsync(revision, JsonSerializer.Serialize(names)));

        using var answer = JsonDocument.Parse(text);
        Assert.Equal([.. hostile.Values, "'; touch /tmp/pwned; '", "--help"], answer.RootElement.EnumerateArray().Take(names.Length).Select(value => value.GetString()));
        Assert.Equal(["false", "[]", "[\"bootstrap\"]"], answer.RootElement.EnumerateArray().Skip(names.Length).Select(value => value.GetRawText()));
    }

    [Fact]
    public async Task Words_OfAFunctionsManifest_AreNeverRead()
    {
        var revision = fixture.Python(
            "import os\ndef handler(event, context):\n    return [os.environ[name] for name in event] + [os.path.exists('/host'), os.listdir('/tmp')]",
            manifest => manifest with { Environment = Hostile, Name = "--help" });

        var text = SandboxFixture.Text(await fixture.RunAsync(revision, """["A", "C"]"""));

        Assert.Equal("""["--bind", "$(touch /tmp/pwned)`touch /tmp/pwned`; touch /tmp/pwned #", false, []]""", text);
    }
}
