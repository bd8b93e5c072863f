using System.Text.Json;
using System.Text.RegularExpressions;
using FaasCluster.Contracts.Billing;
using FaasCluster.Messaging.Hosting;
using Microsoft.Extensions.Configuration;

namespace FaasCluster.Architecture.Tests;

/// <summary>There is no Docker engine where this is developed: what a mistyped line would break there must break here.</summary>
public sealed partial class ComposeFileTests
{
    private static readonly string[] OurServices = ["gateway", "worker"];

    public static TheoryData<string> Services => [.. ComposeFile.Services];

    public static TheoryData<string> Ours => [.. OurServices];

    [Fact]
    public void Services_AreTheWholeCluster_WithTwoWorkers()
    {
        Assert.Equal(["gateway", "postgres", "rabbitmq", "worker"], ComposeFile.Services.Order());
        Assert.Equal("2", ComposeFile.Map(ComposeFile.Service("worker"), "deploy")["replicas"]);
        Assert.Equal("rabbitmq:4", ComposeFile.Service("rabbitmq")["image"]);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void Service_HasNoMorePowerThanItNeeds(string name)
    {
        var service = ComposeFile.Service(name);

        Assert.Empty(service.Keys.Cast<string>().Intersect(["privileged", "devices", "network_mode", "pid", "ipc", "userns_mode", "uts"]));
        Assert.Empty(ComposeFile.List(service, "cap_add").Intersect(["ALL", "SYS_ADMIN", "SYS_PTRACE", "NET_ADMIN", "SYS_MODULE", "DAC_READ_SEARCH"]));
        Assert.DoesNotContain(ComposeFile.List(service, "volumes"), volume => volume.StartsWith('/') || volume.StartsWith('.') || volume.Contains("docker.sock"));
    }

    [Theory]
    [MemberData(nameof(Ours))]
    public void Service_OfOurs_DropsEveryCapabilityAndNewPrivileges(string name)
    {
        Assert.Equal(["ALL"], ComposeFile.List(ComposeFile.Service(name), "cap_drop"));
        Assert.Contains("no-new-privileges=true", ComposeFile.List(ComposeFile.Service(name), "security_opt"));
    }

    [Fact]
    public void Worker_HasExactlyWhatBubblewrapNeeds()
    {
        var options = ComposeFile.List(ComposeFile.Service("worker"), "security_opt").Select(option => option.Split('=')[0]);

        Assert.Equal(["apparmor", "no-new-privileges", "seccomp", "systempaths", "writable-cgroups"], options.Order());
        Assert.Equal("private", ComposeFile.Service("worker")["cgroup"]);
        Assert.All(ComposeFile.Services.Where(name => name != "worker"), name =>
            Assert.DoesNotContain(ComposeFile.List(ComposeFile.Service(name), "security_opt"), option => option != "no-new-privileges=true"));
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void Service_IsWatchedByAHealthCheckAndRestarted(string name)
    {
        Assert.NotEmpty(ComposeFile.List(ComposeFile.Map(ComposeFile.Service(name), "healthcheck"), "test"));
        Assert.Equal("unless-stopped", ComposeFile.Service(name)["restart"]);
    }

    [Theory]
    [MemberData(nameof(Ours))]
    public void Service_OfOurs_WaitsForHealthyServers(string name)
    {
        var dependencies = ComposeFile.Map(ComposeFile.Service(name), "depends_on");

        Assert.Equal(["postgres", "rabbitmq"], dependencies.Keys.Cast<string>().Order());
        Assert.All(dependencies.Keys, server => Assert.Equal("service_healthy", ComposeFile.Map(dependencies, (string)server)["condition"]));
    }

    [Theory]
    [InlineData("postgres", "/var/lib/postgresql/data")]
    [InlineData("rabbitmq", "/var/lib/rabbitmq")]
    public void Server_KeepsItsDataInANamedVolume(string name, string directory)
    {
        var volume = Assert.Single(ComposeFile.List(ComposeFile.Service(name), "volumes"));

        Assert.Equal(directory, volume.Split(':')[1]);
        Assert.Contains(volume.Split(':')[0], ComposeFile.NamedVolumes);
    }

    [Theory]
    [MemberData(nameof(Services))]
    public void Image_OfAService_IsPinnedToAMajorVersion(string name) =>
        Assert.Matches("^[a-z-]+:[0-9]+$", (string)ComposeFile.Service(name)["image"]);

    [Fact]
    public void Dockerfiles_StartFromPinnedImagesAndExistingFiles()
    {
        foreach (var name in OurServices)
        {
            var build = ComposeFile.Map(ComposeFile.Service(name), "build");
            var lines = File.ReadAllLines(Path.Combine(Repository.Root, (string)build["dockerfile"]));

            Assert.Equal(".", build["context"]);
            Assert.All(lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)), line =>
                Assert.Matches("^FROM (mcr.microsoft.com/dotnet/(sdk|aspnet):10.0|debian:bookworm-slim)( AS build)?$", line));
            Assert.All(lines.Select(line => CopiedFile().Match(line)).Where(match => match.Success), match =>
                Assert.True(Path.Exists(Path.Combine(Repository.Root, match.Groups[1].Value)), match.Value));
        }
    }

    [Theory]
    [MemberData(nameof(Ours))]
    public void EnvironmentVariable_OfOurs_IsOneThatTheHostBinds(string name)
    {
        var variables = ComposeFile.Map(ComposeFile.Service(name), "environment").Keys.Cast<string>().ToList();

        Assert.NotEmpty(variables);
        Assert.Empty(variables.Except(BoundVariables()));
    }

    [Theory]
    [MemberData(nameof(Ours))]
    public void EnvironmentVariables_OfOurs_MakeANodeOfACluster(string name)
    {
        var variables = ComposeFile.Map(ComposeFile.Service(name), "environment").ToDictionary(pair => ((string)pair.Key).Replace("__", ":"), pair => (string?)pair.Value);

        Assert.True(InstallationMode.IsCluster(new ConfigurationBuilder().AddInMemoryCollection(variables).Build()));
    }

    [Fact]
    public void Secrets_HaveNoDefaults()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "docker-compose.yml"));

        Assert.All(["FAAS_KEY", "FAAS_POSTGRES_PASSWORD", "FAAS_RABBITMQ_PASSWORD"], secret =>
        {
            var uses = Regex.Matches(text, $@"\$\{{{secret}[^}}]*\}}");
            Assert.NotEmpty(uses);
            Assert.All(uses, use => Assert.StartsWith($"${{{secret}:?", use.Value, StringComparison.Ordinal));
        });
        Assert.All(PasswordIn().Matches(text), match => Assert.StartsWith("${", match.Groups[1].Value, StringComparison.Ordinal));
    }

    [Fact]
    public void Gateway_IsPublishedOnLoopbackByDefault_AndNothingElseIs()
    {
        Assert.Equal(["${FAAS_LISTEN:-127.0.0.1}:${FAAS_PORT:-8080}:8080"], ComposeFile.List(ComposeFile.Service("gateway"), "ports"));
        Assert.All(ComposeFile.Services.Where(name => name != "gateway"), name => Assert.DoesNotContain("ports", ComposeFile.Service(name).Keys));
    }

    [Fact]
    public void SeccompProfile_AllowsNothingThatConcernsTheMachine()
    {
        using var profile = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "deploy/docker/worker-seccomp.json")));
        var calls = profile.RootElement.GetProperty("syscalls").EnumerateArray().ToList();
        var names = calls.SelectMany(Names).ToList();
        var allowed = calls.Where(call => call.GetProperty("action").GetString() == "SCMP_ACT_ALLOW").SelectMany(Names).ToList();

        Assert.Equal("SCMP_ACT_ERRNO", profile.RootElement.GetProperty("defaultAction").GetString());
        Assert.Empty(allowed.Intersect(
        [
            "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "keyctl", "add_key", "request_key", "ptrace", "process_vm_readv", "process_vm_writev",
            "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "settimeofday", "clock_settime",
            "open_by_handle_at", "iopl", "ioperm", "open_tree", "move_mount", "fsopen", "clone3", "syslog", "acct", "quotactl",
        ]));

        // Calls that are allowed for some arguments only appear more than once.
        Assert.Equal(["personality", "setns", "socket"], names.GroupBy(name => name).Where(group => group.Count() > 1).Select(group => group.Key).Order());
    }

    private static IEnumerable<string> Names(JsonElement call) => call.GetProperty("names").EnumerateArray().Select(name => name.GetString()!);

    /// <summary>Every variable that one of the options records is bound from.</summary>
    private static IEnumerable<string> BoundVariables()
    {
        var options = new[] { "FaasCluster.Gateway", "FaasCluster.Worker", "FaasCluster.Messaging", "FaasCluster.Storage" }
            .Select(System.Reflection.Assembly.Load)
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal))
            .Select(type => (Section: type.Name[..^"Options".Length], Type: type))
            .Append((Section: "Prices", Type: typeof(PriceTable)));
        return options.SelectMany(section => section.Type.GetProperties().Select(property => $"{section.Section}__{property.Name}"))
            .Concat(["ConnectionStrings__Postgres", "ConnectionStrings__RabbitMq"]);
    }

    [GeneratedRegex(@"^COPY (?!--from)(\S+) ")]
    private static partial Regex CopiedFile();

    [GeneratedRegex("(?:Password=|PASSWORD: \"|_PASS: \"|faas:)([^\"@]+)")]
    private static partial Regex PasswordIn();
}
