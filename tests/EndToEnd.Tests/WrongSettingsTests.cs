using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Every host tells wrong settings in sentences, and ends with EX_CONFIG.</summary>
public sealed class WrongSettingsTests
{
    [Theory]
    [InlineData("Worker", "", "a worker on its own needs both")]
    [InlineData("Gateway", "", "a gateway on its own needs both")]
    [InlineData("Worker", "ConnectionStrings:Postgres=Host=127.0.0.1;Password=do-not-show", "ConnectionStrings:RabbitMq is not")]
    [InlineData("Standalone", "ConnectionStrings:RabbitMq=amqp://u:do-not-show@127.0.0.1:1/", "ConnectionStrings:Postgres is not")]
    [InlineData("Standalone", "Worker:KeepAlive=2.00:00:00", "KeepAlive must be between")]
    [InlineData("Standalone", "Gateway:BootstrapKeyFile=/nothing/here", "The key file '/nothing/here' cannot be read")]
    public async Task Host_WithAWrongSetting_SaysWhatAndEndsWith78(string project, string setting, string said)
    {
        using var data = new Workplace();
        var settings = new Dictionary<string, string> { ["Data:Directory"] = data.PathOf("data") };
        if (setting.Split('=', 2) is [var name, var value])
        {
            settings[name] = value;
        }

        await using var host = await HostProcess.StartAsync(project, settings, ready: false);
        await host.WhenEndedAsync();

        Assert.Equal(78, host.ExitCode);
        Assert.Contains("FaasCluster cannot start:", host.Output);
        Assert.Contains(said, host.Output);
        Assert.DoesNotContain("   at ", host.Output);
        Assert.DoesNotContain("do-not-show", host.Output);
    }
}
