using System.Collections.Concurrent;
using System.Diagnostics;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.Tests.ControlBus;
using FaasCluster.Messaging.Tests.Invocations;
using FaasCluster.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>The broker dies, is short of memory, or is not there yet.</summary>
public sealed class RabbitMqRestartTests(FragileBroker fragile) : IClassFixture<FragileBroker>
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>The confirm timeout of these tests, and what a loaded machine may add.</summary>
    private static readonly TimeSpan Quickly = TimeSpan.FromSeconds(6 + 60);

    private readonly Guid _function = Guid.NewGuid();

    [Fact]
    public async Task Fault06_BrokerKilledUnderLoad_NothingHangsNothingIsLostAndAllResumes()
    {
        var broker = await fragile.RunningAsync();
        await using var gateway = await StartAsync(broker);
        await using var worker = await StartAsync(broker);
        await gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        var delivered = new ConcurrentDictionary<Guid, bool>();
        var silent = false;
        await using var cold = await worker.Receiver.SubscribeColdAsync(ServeAsync, CancellationToken.None);
        await cold.SetRoomAsync(20, CancellationToken.None);
        await using var lane = await worker.Receiver.SubscribeLaneAsync(_function, 50, ServeAsync, CancellationToken.None);

        using var over = new CancellationTokenSource();
        var accepted = new ConcurrentBag<Guid>();
        var load = Enumerable.Range(0, 8).Select(_ => Task.Run(EnqueueAsync)).ToList();
        await UntilAsync(() => accepted.Count > 500, "500 are accepted");
        Volatile.Write(ref silent, true);
        var calls = Enumerable.Range(0, 10).Select(_ => gateway.Sender.CallAsync(Messages.Call(_function, wait: Patience), Patience, CancellationToken.None)).ToList();

        await broker.KillAsync();

        Assert.All(await Task.WhenAll(calls).WaitAsync(Quickly), outcome => Assert.Equal(ErrorCode.BrokerUnavailable, outcome.Error));
        var refused = await gateway.Sender.CallAsync(Messages.Call(_function), Patience, CancellationToken.None).WaitAsync(Quickly);
        Assert.Equal(ErrorCode.BrokerUnavailable, refused.Error);
        Assert.Equal(ErrorCode.BrokerUnavailable, await gateway.Sender.EnqueueAsync(Messages.Event(_function), CancellationToken.None).WaitAsync(Quickly));
        await Assert.ThrowsAsync<MessagingUnavailableException>(() => gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None).WaitAsync(Quickly));
        await UntilAsync(() => gateway.Problem?.Contains("cannot be reached", StringComparison.Ordinal) == true, "the gateway says what is wrong");
        Assert.DoesNotContain("faas:", gateway.Problem);

        // A worker that is told to change or to end meanwhile does not hang either.
        await cold.SetRoomAsync(10, CancellationToken.None).WaitAsync(Quickly);

        Volatile.Write(ref silent, false);
        await broker.RestartAsync();
        var before = accepted.Count;
        await UntilAsync(() => accepted.Count > before + 100, "100 more are accepted");
        await over.CancelAsync();
        var longest = (await Task.WhenAll(load).WaitAsync(Patience)).Max();
        await UntilAsync(() => accepted.All(delivered.ContainsKey), "all that was accepted is delivered");
        var answered = await gateway.Sender.CallAsync(Messages.Call(_function), Patience, CancellationToken.None).WaitAsync(Patience);
        Assert.NotNull(answered.Reply);
        var another = await gateway.Sender.CallAsync(Messages.Call(Guid.NewGuid()), Patience, CancellationToken.None).WaitAsync(Patience);
        Assert.NotNull(another.Reply);
        Assert.Null(gateway.Problem);
        Assert.InRange(longest, TimeSpan.Zero, Quickly);
        TestContext.Current.TestOutputHelper?.WriteLine($"{accepted.Count} accepted, all delivered; longest enqueue {longest.TotalSeconds:f1} s.");

        // Returns the longest that an answer took.
        async Task<TimeSpan> EnqueueAsync()
        {
            var slowest = TimeSpan.Zero;
            while (!over.IsCancellationRequested)
            {
                var message = Messages.Event(_function);
                var clock = Stopwatch.StartNew();
                var refusal = await gateway.Sender.EnqueueAsync(message, CancellationToken.None);
                slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
                if (refusal is null)
                {
                    accepted.Add(message.InvocationId);
                }
                else
                {
                    // A refusal comes at once: eight that ask on and on would leave the broker no processor to start with.
                    await UntilAsync(() => gateway.Problem is null || over.IsCancellationRequested, "the broker is back");
                }
            }

            return slowest;
        }

        async ValueTask ServeAsync(IDelivery delivery)
        {
            if (delivery.Message is { Kind: InvocationKind.Asynchronous } message)
            {
                delivered[message.InvocationId] = true;
                await delivery.AckAsync();
            }
            else if (!Volatile.Read(ref silent))
            {
                await delivery.AckAsync();
                await delivery.SendReplyAsync(Messages.Answer(delivery));
            }
        }
    }

    [Fact]
    public async Task Fault07_AlarmOfTheBrokersMemory_IsRefusedAndRecovers()
    {
        var broker = await fragile.RunningAsync();
        await using var gateway = await StartAsync(broker);
        await using var worker = await StartAsync(broker);
        await gateway.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        var inbox = new Inbox();
        await using var lane = await worker.Receiver.SubscribeLaneAsync(_function, 1, inbox.TakeAsync, CancellationToken.None);
        Assert.Null(await gateway.Sender.EnqueueAsync(Messages.Event(_function), CancellationToken.None));

        await fragile.BeginAlarmAsync();

        // The broker blocks a connection with its first message after the alarm: that one may still be accepted.
        var accepted = 1;
        ErrorCode? refusal = null;
        await Eventually.TrueAsync(
            async () =>
            {
                refusal = await gateway.Sender.EnqueueAsync(Messages.Event(_function), CancellationToken.None).WaitAsync(Quickly);
                accepted += refusal is null ? 1 : 0;
                return refusal is not null;
            },
            "an event is refused",
            Patience);
        Assert.Equal(ErrorCode.BrokerUnavailable, refusal);
        await UntilAsync(() => gateway.Problem is not null, "the gateway says what is wrong");
        Assert.Contains("takes no messages", gateway.Problem);
        var call = await gateway.Sender.CallAsync(Messages.Call(_function), Patience, CancellationToken.None).WaitAsync(Quickly);
        Assert.Equal(ErrorCode.BrokerUnavailable, call.Error);

        // Workers go on: what was accepted is delivered and acknowledged.
        for (var i = 0; i < accepted; i++)
        {
            await (await inbox.NextAsync()).AckAsync();
        }

        await fragile.EndAlarmAsync();
        await UntilAsync(() => gateway.Problem is null, "the gateway sees no problem");
        await Eventually.TrueAsync(
            async () => await gateway.Sender.EnqueueAsync(Messages.Event(_function), CancellationToken.None).WaitAsync(Quickly) is null,
            "an event is accepted again",
            Patience);
        Assert.NotNull((await inbox.NextAsync()).Message);
    }

    [Fact]
    public async Task Fault06_BrokerAwayAtTheStart_NodeStartsAndJoinsLater()
    {
        var broker = await fragile.RunningAsync();
        await broker.StopAsync();
        var ear = new Ear<FunctionChanged>();
        var clock = Stopwatch.StartNew();

        await using var node = await MessagingNode.StartAsync(Settings(broker), services => services.AddSingleton<IControlBusHandler<FunctionChanged>>(ear));

        Assert.InRange(clock.Elapsed, TimeSpan.Zero, Quickly);
        await UntilAsync(() => node.Problem?.Contains("cannot be reached", StringComparison.Ordinal) == true, "the node says what is wrong");
        var message = new FunctionChanged { FunctionId = _function, AccountId = "default", Name = "hello", Revision = 1 };
        await node.Bus.PublishAsync(message, CancellationToken.None).WaitAsync(Quickly);
        var inbox = new Inbox();
        var restarting = broker.RestartAsync();
        await using var lane = await node.Receiver.SubscribeLaneAsync(_function, 1, inbox.TakeAsync, CancellationToken.None).WaitAsync(Quickly);
        await restarting;

        await UntilAsync(() => node.Problem is null, "the node sees no problem");
        Assert.Equal(message, await ear.HearAsync(Patience));
        await node.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        var sent = Messages.Event(_function);
        Assert.Null(await node.Sender.EnqueueAsync(sent, CancellationToken.None));
        Messages.AssertSame(sent, (await inbox.NextAsync()).Message!);
    }

    private static Task<MessagingNode> StartAsync(PrivateBroker broker) => MessagingNode.StartAsync(Settings(broker));

    private static Dictionary<string, string?> Settings(PrivateBroker broker) => new()
    {
        ["ConnectionStrings:RabbitMq"] = broker.Uri,
        ["Messaging:ConfirmTimeout"] = "00:00:06",
    };

    private static Task UntilAsync(Func<bool> condition, string what) => Eventually.TrueAsync(condition, what, Patience);
}
