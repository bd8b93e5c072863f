using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Messaging.Hosting;
using FaasCluster.Storage;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Tests;

public sealed class StartupTests : IDisposable
{
    private readonly string data = Directory.CreateTempSubdirectory("faas-startup-").FullName;

    public void Dispose() => Directory.Delete(data, recursive: true);

    [Fact]
    public async Task Gateway_WithoutConnectionStrings_SaysWhatItNeeds()
    {
        var (code, errors) = await GatewayCommand.RunAsync();
        Assert.Equal(78, code);
        Assert.Contains("ConnectionStrings:Postgres and ConnectionStrings:RabbitMq are missing", errors);
        Assert.DoesNotContain("   at ", errors);
    }

    [Theory]
    [InlineData("Postgres", "RabbitMq")]
    [InlineData("RabbitMq", "Postgres")]
    public async Task Gateway_WithOneConnectionString_RefusesToStart(string given, string missing)
    {
        var (code, errors) = await GatewayCommand.RunAsync(($"ConnectionStrings__{given}", "Host=127.0.0.1;Password=do-not-show"));
        Assert.Equal(78, code);
        Assert.Contains($"ConnectionStrings:{missing} is not", errors);
        Assert.DoesNotContain("do-not-show", errors);
        Assert.DoesNotContain("   at ", errors);
    }

    [Fact]
    public async Task Gateway_WithSeveralWrongSettings_TellsAllAtOnce()
    {
        var (code, errors) = await GatewayCommand.RunAsync(
            ("ConnectionStrings__Postgres", "Host=127.0.0.1;Port=1"),
            ("ConnectionStrings__RabbitMq", "amqp://u:p@127.0.0.1:1/x"),
            ("Gateway__BootstrapKey", "short"),
            ("Gateway__ConcurrentDeploys", "0"),
            ("Gateway__SweepInterval", "1.00:00:00"),
            ("Storage__BatchLimit", "-1"));
        Assert.Equal(78, code);
        Assert.Contains("Gateway:BootstrapKey is no key", errors);
        Assert.Contains("ConcurrentDeploys", errors);
        Assert.Contains("SweepInterval", errors);
        Assert.Contains("BatchLimit", errors);
        Assert.DoesNotContain("   at ", errors);
    }

    [Fact]
    public async Task Gateway_OfAClusterWithoutAKey_SaysHowToMakeOne()
    {
        var (code, errors) = await GatewayCommand.RunAsync(
            ("ConnectionStrings__Postgres", "Host=127.0.0.1;Port=1"), ("ConnectionStrings__RabbitMq", "amqp://u:p@127.0.0.1:1/x"));
        Assert.Equal(78, code);
        Assert.Contains("openssl rand -hex 24", errors);
        Assert.DoesNotContain("   at ", errors);
    }

    [Fact]
    public void Key_OfTheEmbeddedMode_IsMadeOnceForItsOwnerOnly()
    {
        var first = Key(new GatewayOptions()).Read();
        Assert.Equal(first, Key(new GatewayOptions()).Read());
        Assert.Matches("^faas_[0-9a-f]{48}$", first);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(data, BootstrapKey.FileName)));
        }
    }

    [Fact]
    public void Key_FromAFile_IsReadWithoutItsLineEnd()
    {
        var file = Path.Combine(data, "key");
        File.WriteAllText(file, "a-key-of-sixteen-characters\n");
        Assert.Equal("a-key-of-sixteen-characters", Key(new GatewayOptions { BootstrapKeyFile = file }).Read());
        File.WriteAllText(file, "two words are no key");
        Assert.Contains("holds no key", Assert.Throws<NodeConfigurationException>(() => Key(new GatewayOptions { BootstrapKeyFile = file }).Read()).Message);
        File.Delete(file);
        Assert.Contains("cannot be read", Assert.Throws<NodeConfigurationException>(() => Key(new GatewayOptions { BootstrapKeyFile = file }).Read()).Message);
    }

    private BootstrapKey Key(GatewayOptions options) =>
        new(Options.Create(options), Options.Create(new StorageOptions { DataDirectory = data }));
}
