using System.Net;
using System.Net.Sockets;
using FaasCluster.Testing;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.Tests.Local;

/// <summary>What everybody who starts a private broker relies on.</summary>
public sealed class BrokerScriptTests
{
    [Fact]
    public async Task Start_AfterKill_KeepsDurableMessages()
    {
        await using var broker = await PrivateBroker.StartAsync();
        await using (var connection = await ConnectAsync(broker.Uri))
        {
            await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(true, true));
            await channel.QueueDeclareAsync("kept", durable: true, exclusive: false, autoDelete: false, new Dictionary<string, object?> { ["x-queue-type"] = "quorum" });
            await channel.BasicPublishAsync("", "kept", mandatory: true, new BasicProperties { Persistent = true }, "content"u8.ToArray());
            await broker.KillAsync();
        }

        await broker.RestartAsync();

        await using var again = await ConnectAsync(broker.Uri);
        await using var reader = await again.CreateChannelAsync();
        var message = await reader.BasicGetAsync("kept", autoAck: true);
        Assert.Equal("content"u8, message!.Body.Span);
    }

    [Fact]
    public async Task Start_TwoAtOnce_AreApart()
    {
        var both = await Task.WhenAll(PrivateBroker.StartAsync(), PrivateBroker.StartAsync());
        await using var first = both[0];
        await using var second = both[1];

        await first.StopAsync();

        await using var connection = await ConnectAsync(second.Uri);
        Assert.True(connection.IsOpen);
    }

    [Fact]
    public async Task Start_WithFirst_IsAFurtherNode_AlsoAfterTheFirstWasKilled()
    {
        await using var first = await PrivateBroker.StartAsync();
        await using var second = await PrivateBroker.StartAsync(first);
        Assert.Equal("{ok, 1}", await second.EvaluateAsync("length(nodes())."));

        await first.KillAsync();
        await Eventually.TrueAsync(async () => await second.EvaluateAsync("length(nodes()).") == "{ok, 0}", "the second node notices");
        await first.RestartAsync();
        await Eventually.TrueAsync(async () => await second.EvaluateAsync("length(nodes()).") == "{ok, 1}", "they are together again");
    }

    [Fact]
    public async Task Eval_ManyAtOnce_AllAnswer()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => BrokerScript.RunAsync("eval", TestServers.RabbitMqDirectory, $"{i}.")));

        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"{{ok, {i}}}"), answers);
    }

    [Fact]
    public async Task Start_PortTaken_SaysSo()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var directory = Path.Combine(Path.GetTempPath(), $"faas-broker-{Guid.NewGuid():N}");

        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => BrokerScript.RunAsync("start", directory, $"{port}"));

        Assert.Contains($"port {port} is taken", failure.Message);
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task Stop_NotRunningOrKilled_DoesNothing()
    {
        await BrokerScript.RunAsync("stop", Path.Combine(Path.GetTempPath(), $"faas-broker-{Guid.NewGuid():N}"));
        await using var broker = await PrivateBroker.StartAsync();
        await broker.KillAsync();

        await broker.StopAsync();
        await broker.StopAsync();
    }

    [Fact]
    public async Task Start_Guest_IsNotThere()
    {
        await using var broker = await PrivateBroker.StartAsync();
        var guest = new UriBuilder(broker.Uri) { UserName = "guest", Password = "guest" };

        await Assert.ThrowsAnyAsync<Exception>(() => ConnectAsync(guest.Uri.AbsoluteUri));
    }

    private static Task<IConnection> ConnectAsync(string uri) =>
        new ConnectionFactory { Uri = new Uri(uri), AutomaticRecoveryEnabled = false }.CreateConnectionAsync();
}
