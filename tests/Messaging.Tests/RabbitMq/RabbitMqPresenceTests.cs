using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.Tests.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>What callers hear when the worker that runs their call dies, or when a connection does.</summary>
public sealed class RabbitMqPresenceTests(BrokerVirtualHost broker) : IClassFixture<BrokerVirtualHost>
{
    /// <summary>So long that an outcome within <see cref="Soon"/> cannot come from it.</summary>
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(2);

    private readonly Guid _function = Guid.NewGuid();
    private readonly string _worker = $"w-{Guid.NewGuid():N}";

    [Fact]
    public async Task Fault01_WorkerOfAStartedCallKilled_EndsItAsWorkerLost()
    {
        await using var gateway = await StartAsync();
        await using var worker = await StartWorkerAsync();
        var calling = CallAsync(gateway, "start");
        Assert.StartsWith("took", await worker.NextAsync());

        // An answer comes behind the notice of the start, on the same way: when it is here, so is that.
        Assert.NotNull((await CallAsync(gateway, "answer").WaitAsync(Soon)).Reply);

        await worker.KillAsync();

        var outcome = await calling.WaitAsync(Soon);
        Assert.Equal((ErrorCode.WorkerLost, _worker), (outcome.Error, outcome.StartedOn));
    }

    [Fact]
    public async Task Fault01_WorkerThatSaidNothingKilled_EndsItsCallsLongBeforeTheirDeadline()
    {
        await using var gateway = await StartAsync();
        await using var worker = await StartWorkerAsync();
        Assert.NotNull((await CallAsync(gateway, "answer").WaitAsync(Soon)).Reply);
        Assert.StartsWith("took", await worker.NextAsync());
        var calling = CallAsync(gateway, "keep");
        Assert.StartsWith("took", await worker.NextAsync());

        await worker.KillAsync();

        Assert.Equal(ErrorCode.WorkerLost, (await calling.WaitAsync(Soon)).Error);
    }

    [Fact]
    public async Task Fault01_WorkerWithACallNotAcknowledgedKilled_ItRunsElsewhere()
    {
        await using var gateway = await StartAsync();
        await using var other = await StartAsync();
        var responder = new Responder();
        await using var cold = await other.Receiver.SubscribeColdAsync(responder.TakeAsync, CancellationToken.None);
        await cold.SetRoomAsync(10, CancellationToken.None);
        await using var worker = await StartWorkerAsync();
        var calling = CallAsync(gateway, "hold");
        Assert.StartsWith("took", await worker.NextAsync());
        Assert.Equal(0, responder.Cold);

        await worker.KillAsync();

        Assert.NotNull((await calling.WaitAsync(Soon)).Reply);
        Assert.Equal(1, responder.Cold);
    }

    [Fact]
    public async Task Drop_ConnectionOfWorker_ItsAnswerCountsAndItServesAgain()
    {
        // A worker that is back before anybody asked was never away.
        await using var gateway = await StartAsync(("PresenceInterval", "00:01:00"));
        await using var worker = await StartAsync(("NodeId", _worker));
        var (first, responder) = (new Inbox(), new Responder());
        var taken = 0;
        await using var cold = await worker.Receiver.SubscribeColdAsync(responder.TakeAsync, CancellationToken.None);
        await cold.SetRoomAsync(10, CancellationToken.None);
        await using var lane = await worker.Receiver.SubscribeLaneAsync(
            _function, 10, delivery => Interlocked.Increment(ref taken) == 1 ? first.TakeAsync(delivery) : responder.TakeAsync(delivery), CancellationToken.None);
        var calling = CallAsync(gateway, "event");
        var started = await first.NextAsync();
        await started.AckAsync();
        await started.SendStartedAsync();

        await BrokerProbe.DropConnectionAsync($"faas {_worker} consume");
        await started.SendReplyAsync(Messages.Answer(started, _worker));

        Assert.NotNull((await calling.WaitAsync(Soon)).Reply);

        // Calls go cold until the worker is back.
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.NotNull((await CallAsync(gateway, "event").WaitAsync(Soon)).Reply);
                return responder.Warm > 0;
            },
            "a call is served warm");
    }

    [Fact]
    public async Task Drop_ConnectionThatAnswersComeOn_FailsWaitingCallsAtOnce()
    {
        var gatewayId = $"g-{Guid.NewGuid():N}";
        await using var gateway = await StartAsync(("NodeId", gatewayId));
        await using var worker = await StartAsync();
        var inbox = new Inbox();
        await using var lane = await worker.Receiver.SubscribeLaneAsync(_function, 10, inbox.TakeAsync, CancellationToken.None);
        var calling = CallAsync(gateway, "event");
        var delivery = await inbox.NextAsync();
        await delivery.AckAsync();
        await delivery.SendStartedAsync();

        await BrokerProbe.DropConnectionAsync($"faas {gatewayId} consume");

        Assert.Equal(ErrorCode.BrokerUnavailable, (await calling.WaitAsync(Soon)).Error);
        var next = CallAsync(gateway, "event");
        var second = await inbox.NextAsync();
        await second.AckAsync();
        await second.SendReplyAsync(Messages.Answer(second));
        Assert.NotNull((await next.WaitAsync(Soon)).Reply);
    }

    [Fact]
    public async Task Stop_Worker_LeavesNoQueueOfItsOwn()
    {
        await using var probe = await BrokerProbe.ConnectAsync(broker.Uri);
        string[] own = [BrokerNames.Worker(_worker), BrokerNames.Reply(_worker, 1)];
        await using (var worker = await StartAsync(("NodeId", _worker)))
        {
            await using var lane = await worker.Receiver.SubscribeLaneAsync(_function, 1, _ => ValueTask.CompletedTask, CancellationToken.None);
            Assert.NotNull(await probe.QueueAsync(BrokerNames.Warm(_function)));
            foreach (var queue in own)
            {
                await Eventually.TrueAsync(async () => await probe.ProcessOfAsync(queue) is not null, $"{queue} is there");
            }

            await lane.StopAsync(CancellationToken.None);
            Assert.Null(await probe.QueueAsync(BrokerNames.Warm(_function)));
        }

        // The broker deletes these when it notices that their connection is closed.
        foreach (var queue in own)
        {
            await Eventually.TrueAsync(async () => await probe.ProcessOfAsync(queue) is null, $"{queue} is gone");
        }
    }

    private async Task<NodeProcess> StartWorkerAsync()
    {
        var worker = NodeProcess.Start(
            "serve", _function, $"ConnectionStrings:RabbitMq={broker.Uri}", $"Messaging:NodeId={_worker}");
        Assert.Equal("ready", await worker.NextAsync());
        return worker;
    }

    private Task<CallOutcome> CallAsync(MessagingNode gateway, string what) =>
        gateway.Sender.CallAsync(Messages.Call(_function, Long, Encoding.UTF8.GetBytes(what)), Long, CancellationToken.None);

    private Task<MessagingNode> StartAsync(params (string Name, string Value)[] settings) =>
        MessagingNode.StartAsync(new(settings.Select(setting => KeyValuePair.Create($"Messaging:{setting.Name}", (string?)setting.Value)))
        {
            ["ConnectionStrings:RabbitMq"] = broker.Uri,
            ["Messaging:ConfirmTimeout"] = "00:01:00",
        });
}
