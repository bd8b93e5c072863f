using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Becoming warm, changing how much is taken, and going cold.</summary>
public abstract partial class InvocationPathTests
{
    [Fact]
    public async Task Stop_LastWorker_NextCallGoesCold()
    {
        var (gateway, worker) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (inbox, coldInbox) = (new Inbox(), new Inbox());
        await using var cold = await ColdAsync(worker, coldInbox);
        await using var lane = await LaneAsync(worker, Function, inbox);

        await lane.StopAsync(CancellationToken.None);
        var calling = CallAsync(gateway, Messages.Call(Function));
        await AnswerAsync(await coldInbox.NextAsync());

        Assert.NotNull((await calling).Reply);
        inbox.AssertEmpty();
    }

    [Fact]
    public async Task Stop_CallsWait_TheyGoColdAtOnce()
    {
        var (gateway, worker) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (inbox, coldInbox) = (new Inbox(), new Inbox());
        await using var lane = await LaneAsync(worker, Function, inbox, prefetch: 1);
        var calls = Enumerable.Range(0, 5).Select(_ => CallAsync(gateway, Messages.Call(Function))).ToList();
        var held = await inbox.NextAsync();

        await lane.StopAsync(CancellationToken.None);

        await using var cold = await ColdAsync(worker, coldInbox);
        for (var i = 0; i < 4; i++)
        {
            await AnswerAsync(await coldInbox.NextAsync());
        }

        await AnswerAsync(held);
        Assert.All(await Task.WhenAll(calls), outcome => Assert.NotNull(outcome.Reply));
    }

    [Fact]
    public async Task Stop_HeldCallIsSpilled_GoesColdThoughItsQueueIsGone()
    {
        var (gateway, worker) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (inbox, coldInbox) = (new Inbox(), new Inbox());
        await using var cold = await ColdAsync(worker, coldInbox);
        await using var lane = await LaneAsync(worker, Function, inbox);
        var calls = new[] { CallAsync(gateway, Messages.Call(Function)), CallAsync(gateway, Messages.Call(Function)), CallAsync(gateway, Messages.Call(Function)) };
        var (spilled, returned, disposed) = (await inbox.NextAsync(), await inbox.NextAsync(), await inbox.NextAsync());
        await lane.StopAsync(CancellationToken.None);

        await spilled.SpillAsync();
        await returned.ReturnAsync();
        await lane.DisposeAsync();

        for (var i = 0; i < 3; i++)
        {
            await AnswerAsync(await coldInbox.NextAsync());
        }

        Assert.All(await Task.WhenAll(calls), outcome => Assert.NotNull(outcome.Reply));
        Assert.NotNull(disposed.Message);
    }

    [Fact]
    public async Task Stop_AnotherWorkerStays_StillWarm()
    {
        var (gateway, worker, other) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (inbox, otherInbox) = (new Inbox(), new Inbox());
        await using var lane = await LaneAsync(worker, Function, inbox);
        await using var otherLane = await LaneAsync(other, Function, otherInbox);

        await lane.StopAsync(CancellationToken.None);
        var calling = CallAsync(gateway, Messages.Call(Function));
        var delivery = await otherInbox.NextAsync();
        await AnswerAsync(delivery);

        Assert.False(delivery.IsCold);
        Assert.NotNull((await calling).Reply);
        inbox.AssertEmpty();
    }

    [Fact]
    public async Task Stop_ThenSubscribeAgain_IsWarmAgain()
    {
        var (gateway, worker) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        for (var i = 0; i < 5; i++)
        {
            var inbox = new Inbox();
            await using var lane = await LaneAsync(worker, Function, inbox);
            var calling = CallAsync(gateway, Messages.Call(Function));
            await AnswerAsync(await inbox.NextAsync());
            Assert.NotNull((await calling).Reply);
            await lane.StopAsync(CancellationToken.None);
        }
    }

    [Fact]
    public async Task Prefetch_IsKeptAndCanBeChanged()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        for (var i = 0; i < 30; i++)
        {
            Assert.Null(await EnqueueAsync(gateway, Messages.Event(Function)));
        }

        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox, prefetch: 3);
        var held = new List<IDelivery> { await inbox.NextAsync(), await inbox.NextAsync(), await inbox.NextAsync() };
        inbox.AssertEmpty();

        await lane.SetPrefetchAsync(1, 7, CancellationToken.None);
        for (var i = 0; i < 4; i++)
        {
            held.Add(await inbox.NextAsync());
        }

        await Task.WhenAll(held.Select(delivery => delivery.AckAsync().AsTask()));
        await lane.SetPrefetchAsync(7, 1, CancellationToken.None);
        for (var got = held.Count; got < 30; got++)
        {
            await (await inbox.NextAsync()).AckAsync();
        }
    }

    [Fact]
    public async Task Room_ZeroTakesNothing_AndIsNeverExceeded()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var cold = await ColdAsync(worker, inbox, room: 0);
        var calls = Enumerable.Range(0, 12).Select(_ => CallAsync(gateway, Messages.Call(Function))).ToList();

        await cold.SetRoomAsync(2, CancellationToken.None);
        var held = new List<IDelivery> { await inbox.NextAsync(), await inbox.NextAsync() };
        inbox.AssertEmpty();

        // Less room than is held: nothing comes until there is some.
        await cold.SetRoomAsync(1, CancellationToken.None);
        await AnswerAsync(held[0]);
        inbox.AssertEmpty();
        await AnswerAsync(held[1]);
        var third = await inbox.NextAsync();
        inbox.AssertEmpty();

        await cold.SetRoomAsync(0, CancellationToken.None);
        await AnswerAsync(third);
        inbox.AssertEmpty();

        await cold.SetRoomAsync(4, CancellationToken.None);
        for (var i = 0; i < 9; i++)
        {
            Assert.InRange(inbox.Count, 0, 4);
            await AnswerAsync(await inbox.NextAsync());
        }

        Assert.All(await Task.WhenAll(calls), outcome => Assert.NotNull(outcome.Reply));
    }

    [Fact]
    public async Task Room_RaisedWhileSomeIsHeld_IsUsedUp()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var cold = await ColdAsync(worker, inbox, room: 1);
        var calls = Enumerable.Range(0, 6).Select(_ => CallAsync(gateway, Messages.Call(Function))).ToList();
        var first = await inbox.NextAsync();

        await cold.SetRoomAsync(3, CancellationToken.None);
        var (second, third) = (await inbox.NextAsync(), await inbox.NextAsync());
        inbox.AssertEmpty();

        // What the earlier subscription delivered is settled: its room counts again.
        await AnswerAsync(first);
        var fourth = await inbox.NextAsync();
        foreach (var delivery in new[] { second, third, fourth })
        {
            await AnswerAsync(delivery);
        }

        await AnswerAsync(await inbox.NextAsync());
        await AnswerAsync(await inbox.NextAsync());

        Assert.All(await Task.WhenAll(calls), outcome => Assert.NotNull(outcome.Reply));
    }

    [Fact]
    public async Task JoinAndLeave_UnderTraffic_EveryCallIsAnswered()
    {
        const int Callers = 16;
        const int Enough = 50;
        var gateway = await NodeAsync();
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        MessagingNode[] workers = [await NodeAsync(), await NodeAsync(), await NodeAsync()];
        await using var cold = await workers[0].Receiver.SubscribeColdAsync(Serve, CancellationToken.None);
        await cold.SetRoomAsync(100, CancellationToken.None);
        using var over = new CancellationTokenSource();
        var (answered, rounds) = (0, 0);

        var joining = workers.SelectMany(worker => new[] { worker, worker }).Select(worker => Task.Run(async () =>
        {
            for (; !over.IsCancellationRequested; Interlocked.Increment(ref rounds))
            {
                await using var lane = await worker.Receiver.SubscribeLaneAsync(Function, 4, Serve, CancellationToken.None);
                await Task.Delay(Random.Shared.Next(0, 30));
                await lane.StopAsync(CancellationToken.None);
            }
        })).ToArray();
        var calling = Enumerable.Range(0, Callers).Select(_ => Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                var message = Messages.Call(Function, wait: Patience);
                var outcome = await CallAsync(gateway, message);
                Assert.True(outcome.Reply?.InvocationId == message.InvocationId, $"{outcome.Error} after {answered} calls");
                Interlocked.Increment(ref answered);
            }
        })).ToArray();

        var began = DateTimeOffset.UtcNow;
        try
        {
            // Hundreds of rounds in that time, or on a machine that has none for them as many as are enough.
            await UntilAsync(
                () => Task.FromResult(
                    (DateTimeOffset.UtcNow > began.AddSeconds(15) && Volatile.Read(ref rounds) >= Enough) || joining.Concat(calling).Any(task => task.IsFaulted)),
                $"{Enough} rounds");
        }
        finally
        {
            await over.CancelAsync();
        }

        await Task.WhenAll(calling).WaitAsync(Patience + Patience);
        await Task.WhenAll(joining).WaitAsync(Patience);
        TestContext.Current.TestOutputHelper?.WriteLine($"{answered} calls answered while lanes were opened and closed {rounds} times.");

        static async ValueTask Serve(IDelivery delivery)
        {
            await delivery.AckAsync();
            if (delivery.Message is { Kind: InvocationKind.Synchronous })
            {
                await delivery.SendReplyAsync(Messages.Answer(delivery));
            }
        }
    }
}
