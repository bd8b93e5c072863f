using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.Tests.Invocations;
using FaasCluster.Testing;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>What operators and strangers can do to the broker: things are deleted, settings differ, messages are not ours.</summary>
public sealed class RabbitMqOperatorTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan CallWait = TimeSpan.FromSeconds(30);

    private readonly BrokerVirtualHost _broker = new();
    private readonly Guid _function = Guid.NewGuid();
    private readonly Inbox _inbox = new();
    private readonly Responder _responder = new();

    // All started before the test begins.
    private MessagingNode _gateway = null!;
    private MessagingNode _worker = null!;
    private BrokerProbe _probe = null!;

    public async ValueTask InitializeAsync()
    {
        _ = TestServers.RabbitMq;
        await _broker.InitializeAsync();
        _gateway = await StartAsync();
        _worker = await StartAsync();
        _probe = await BrokerProbe.ConnectAsync(_broker.Uri);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var opened in new IAsyncDisposable?[] { _gateway, _worker, _probe, _broker })
        {
            await (opened?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    [Fact]
    public async Task Fault14_ColdQueueDeleted_CallHealsIt()
    {
        await _probe.DeleteQueueAsync(BrokerNames.Cold);

        var calling = CallAsync();
        await ColdAsync();

        Assert.NotNull((await calling).Reply);
    }

    [Fact]
    public async Task Fault14_ColdQueueDeletedUnderItsConsumer_ConsumesAgain()
    {
        await ColdAsync();
        await _probe.DeleteQueueAsync(BrokerNames.Cold);

        await UntilAnsweredAsync();
    }

    [Fact]
    public async Task Fault14_ColdQueueDeletedUnderTraffic_ConsumesAgain()
    {
        await ColdAsync();
        using var over = new CancellationTokenSource();
        var traffic = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                await _gateway.Sender.CallAsync(Messages.Call(_function), Patience, over.Token);
            }
        })).ToList();
        await Eventually.TrueAsync(() => _responder.Cold > 20, "calls are served");

        await _probe.DeleteQueueAsync(BrokerNames.Cold);

        await UntilAnsweredAsync();
        await over.CancelAsync();
        await Task.WhenAll(traffic).WaitAsync(Patience);
    }

    [Fact]
    public async Task Fault14_InvokeExchangeDeleted_CallsWorkAgainBySelf()
    {
        await ColdAsync();
        await _probe.DeleteExchangeAsync(BrokerNames.Invoke);

        await UntilAnsweredAsync();
    }

    [Fact]
    public async Task Fault14_WarmQueueDeletedUnderItsConsumer_IsWarmAgain()
    {
        await ColdAsync();
        await using var lane = await LaneAsync(_responder.TakeAsync);
        await _probe.DeleteQueueAsync(BrokerNames.Warm(_function));

        await UntilWarmAsync();
    }

    [Fact]
    public async Task Fault14_QueueDeletedWhileItsConsumerLeaves_LetsItLeave()
    {
        // Whether the broker ends the subscription or the worker does is a race: enough turns for both, and for both at once.
        for (var turn = 0; turn < 100; turn++)
        {
            await _gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
            await using var lane = await LaneAsync(_responder.TakeAsync);
            var queue = BrokerNames.AsyncQueue(_function);
            await _probe.WhenConsumedAsync(queue);

            await Task.WhenAll(_probe.DeleteQueueAsync(queue), lane.StopAsync(CancellationToken.None)).WaitAsync(Patience);
        }
    }

    [Fact]
    public async Task Replace_WarmQueueUnderItsConsumer_ConsumesTheNewOne()
    {
        await ColdAsync();
        await using var lane = await LaneAsync(_responder.TakeAsync);
        await _probe.ReplaceQueueAsync(BrokerNames.Warm(_function));

        await UntilWarmAsync();
    }

    [Fact]
    public async Task Fault14_PresenceQueueDeleted_IsDeclaredAgain()
    {
        await using var lane = await LaneAsync(_inbox.TakeAsync);
        var queue = BrokerNames.Worker(_worker.NodeId);
        var deleted = await _probe.ProcessOfAsync(queue);
        Assert.NotNull(deleted);

        await _probe.DeleteExclusiveQueueAsync(queue);

        await Eventually.TrueAsync(async () => await _probe.ProcessOfAsync(queue) is { } process && process != deleted, "the queue is there again");
    }

    [Fact]
    public async Task Fault14_AsynchronousQueueDeleted_IsNoFalseSuccessAndHeals()
    {
        await _gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        await using var lane = await LaneAsync(_inbox.TakeAsync);
        await _probe.DeleteQueueAsync(BrokerNames.AsyncQueue(_function));

        Assert.Equal(ErrorCode.BrokerUnavailable, await EnqueueAsync(Messages.Event(_function)));
        var message = Messages.Event(_function);
        Assert.Null(await EnqueueAsync(message));

        Messages.AssertSame(message, (await _inbox.NextAsync()).Message!);
    }

    [Fact]
    public async Task Fault14_AsyncExchangeDeleted_IsNoFalseSuccessAndHeals()
    {
        await _gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        await using var lane = await LaneAsync(_inbox.TakeAsync);
        await _probe.DeleteExchangeAsync(BrokerNames.Async);

        // Every one that was accepted arrives, however many are not.
        var accepted = new List<Guid>();
        await Eventually.TrueAsync(
            async () =>
            {
                var message = Messages.Event(_function);
                if (await EnqueueAsync(message) is null)
                {
                    accepted.Add(message.InvocationId);
                }

                return accepted.Count == 3;
            },
            "three are accepted",
            Patience);

        foreach (var id in accepted)
        {
            Assert.Equal(id, (await _inbox.NextAsync()).Message!.InvocationId);
        }
    }

    [Fact]
    public async Task Malformed_MessagesEverywhere_AreDroppedAndNothingStops()
    {
        await ColdAsync();
        await _gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        await using var lane = await LaneAsync(_inbox.TakeAsync);
        var dead = new Inbox();
        await using var recorder = await _gateway.Receiver.SubscribeDeadAsync(dead.TakeAsync, CancellationToken.None);
        BasicProperties[] strange =
        [
            new(),
            new() { Type = MessageHeaders.CallType },
            new() { Type = "wrong", Headers = Fields((MessageHeaders.Function, _function.ToString("N"))) },
            new() { Type = MessageHeaders.EventType, MessageId = "x", Headers = Fields((MessageHeaders.Function, _function.ToString("N"))) },
            new() { Type = MessageHeaders.CallType, MessageId = Guid.NewGuid().ToString("N"), Headers = Fields((MessageHeaders.Function, 7)) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Revision, long.MaxValue)) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Deadline, long.MaxValue)) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Trigger, "carrier pigeon")) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Http, Encoding.UTF8.GetBytes("{"))) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Http, Encoding.UTF8.GetBytes("null"))) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Http, Encoding.UTF8.GetBytes("""{"m":"G","p":"/","h":["odd"]}"""))) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Tail, 1_000_000)) },
            new() { Type = MessageHeaders.EventType, MessageId = Guid.NewGuid().ToString("N"), Headers = Whole((MessageHeaders.Account, new List<object?> { 1 })) },
        ];
        await _probe.UseAsync(async channel =>
        {
            foreach (var properties in strange)
            {
                await channel.BasicPublishAsync(BrokerNames.Cold, "", true, properties, "x"u8.ToArray());
                await channel.BasicPublishAsync(BrokerNames.Dead, "", true, properties, "x"u8.ToArray());
                await channel.BasicPublishAsync("", BrokerNames.Warm(_function), true, properties, "x"u8.ToArray());
                await channel.BasicPublishAsync("", BrokerNames.AsyncQueue(_function), true, properties, "x"u8.ToArray());
                await channel.BasicPublishAsync("", BrokerNames.Reply(_gateway.NodeId, 1), true, properties, "x"u8.ToArray());
            }
        });

        var message = Messages.Event(_function);
        Assert.Null(await EnqueueAsync(message));
        Messages.AssertSame(message, (await _inbox.NextAsync()).Message!);
        var calling = CallAsync();
        var call = await _inbox.NextAsync();
        await call.AckAsync();
        await call.SendReplyAsync(Messages.Answer(call));
        Assert.NotNull((await calling).Reply);
        await Eventually.TrueAsync(async () => await _probe.QueueAsync(BrokerNames.Dead) is { Ready: 0 }, "the dead queue is empty");

        dead.AssertEmpty();
        Assert.Equal(0, _responder.Cold);
    }

    [Fact]
    public async Task Settings_OtherSpillTimeAndLimits_ExistingQueuesAreUsed()
    {
        await _gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        await using var lane = await LaneAsync(_inbox.TakeAsync);
        await using var other = await StartAsync(("SpillTime", "00:00:01"), ("QueueLength", "17"), ("DeliveryLimit", "9"));
        await other.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        await using var otherLane = await other.Receiver.SubscribeLaneAsync(_function, 10, _responder.TakeAsync, CancellationToken.None);
        await lane.StopAsync(CancellationToken.None);

        Assert.NotNull((await CallAsync()).Reply);
        Assert.Equal(1, _responder.Warm);
    }

    [Fact]
    public async Task Stop_Host_ServicesBehindMessagingStopFirst()
    {
        var farewell = new Farewell(_function);
        await _gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        await using (var node = await MessagingNode.StartAsync(
            new() { ["ConnectionStrings:RabbitMq"] = _broker.Uri }, services => farewell.AddTo(services)))
        {
            await node.StopAsync();
        }

        Assert.Null(farewell.Outcome);
        Assert.True(farewell.WasSent);
    }

    private static Dictionary<string, object?> Fields(params (string Name, object? Value)[] fields) => fields.ToDictionary(field => field.Name, field => field.Value);

    private Dictionary<string, object?> Whole((string Name, object? Value) but)
    {
        var fields = Fields(
            (MessageHeaders.Function, _function.ToString("N")),
            (MessageHeaders.Revision, 1),
            (MessageHeaders.Account, "default"),
            (MessageHeaders.Trigger, "api"),
            (MessageHeaders.AcceptedAt, 1L),
            (MessageHeaders.Deadline, 1L));
        fields[but.Name] = but.Value;
        return fields;
    }

    private Task<CallOutcome> CallAsync() =>
        _gateway.Sender.CallAsync(Messages.Call(_function, CallWait), Patience, CancellationToken.None).WaitAsync(Patience);

    private Task<ErrorCode?> EnqueueAsync(InvocationMessage message) => _gateway.Sender.EnqueueAsync(message, CancellationToken.None).WaitAsync(Patience);

    private async Task ColdAsync()
    {
        var cold = await _worker.Receiver.SubscribeColdAsync(_responder.TakeAsync, CancellationToken.None).WaitAsync(Patience);
        await cold.SetRoomAsync(10, CancellationToken.None).WaitAsync(Patience);
    }

    private Task<ILaneSubscription> LaneAsync(Func<IDelivery, ValueTask> onDelivery) =>
        _worker.Receiver.SubscribeLaneAsync(_function, 10, onDelivery, CancellationToken.None).WaitAsync(Patience);

    /// <summary>Calls until one is answered: those before may fail, but not hang.</summary>
    private Task UntilAnsweredAsync() => Eventually.TrueAsync(async () => (await CallAsync()).Reply is not null, "a call is answered", Patience);

    /// <summary>Calls until one is served warm: those before go cold, and are answered all the same.</summary>
    private Task UntilWarmAsync() => Eventually.TrueAsync(
        async () =>
        {
            Assert.NotNull((await CallAsync()).Reply);
            return _responder.Warm > 0;
        },
        "a call is served warm",
        Patience);

    private Task<MessagingNode> StartAsync(params (string Name, string Value)[] settings) =>
        MessagingNode.StartAsync(new(settings.Select(setting => KeyValuePair.Create($"Messaging:{setting.Name}", (string?)setting.Value)))
        {
            ["ConnectionStrings:RabbitMq"] = _broker.Uri,
            ["Messaging:ConfirmTimeout"] = "00:01:00",
        });
}
