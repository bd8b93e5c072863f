using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Asynchronous invocations: what was accepted is delivered until it is acknowledged.</summary>
public abstract partial class InvocationPathTests
{
    [Fact]
    public async Task Enqueue_WarmWorker_GetsItOnce()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var inbox = new Inbox();
        var message = Messages.Event(Function, [1, 2, 3]) with
        {
            ContentType = "application/json",
            Attempt = 2,
            Failures = 1,
            Depth = 3,
            CausedBy = Guid.CreateVersion7(),
            Callback = new Uri("https://example.com/hook?x=%20"),
        };

        Assert.Null(await EnqueueAsync(gateway, message));
        await using (var lane = await LaneAsync(worker, Function, inbox))
        {
            var delivery = await inbox.NextAsync();
            Assert.False(delivery.IsCold);
            Assert.False(delivery.Redelivered);
            Messages.AssertSame(message, delivery.Message!);
            await delivery.SendStartedAsync();
            await delivery.SendReplyAsync(Messages.Answer(delivery));
            await delivery.AckAsync();
        }

        await using var again = await LaneAsync(worker, Function, inbox);
        var next = Messages.Event(Function);
        Assert.Null(await EnqueueAsync(gateway, next));
        Assert.Equal(next.InvocationId, (await inbox.NextAsync()).Message!.InvocationId);
    }

    [Fact]
    public async Task Fault14_EnqueueWithoutAQueue_IsRefusedAndHeals()
    {
        var gateway = await NodeAsync();

        var first = await EnqueueAsync(gateway, Messages.Event(Function));
        var second = await EnqueueAsync(gateway, Messages.Event(Function));

        Assert.Equal(ErrorCode.BrokerUnavailable, first);
        Assert.Null(second);
    }

    [Fact]
    public async Task Fault19_EnqueueWhenTheQueueIsFull_IsRefusedAndNothingAcceptedIsMissing()
    {
        var (gateway, worker) = (await NodeAsync(("QueueLength", "3")), await NodeAsync(("QueueLength", "3")));
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var accepted = new ConcurrentBag<Guid>();
        ErrorCode? refusal = null;
        for (var i = 0; i < 20 && refusal is null; i++)
        {
            var message = Messages.Event(Function);
            refusal = await EnqueueAsync(gateway, message);
            if (refusal is null)
            {
                accepted.Add(message.InvocationId);
            }
        }

        Assert.Equal(ErrorCode.QueueFull, refusal);
        Assert.InRange(accepted.Count, 3, 10);

        // Taking them makes room, and not one that was accepted is missing.
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        for (var left = accepted.ToHashSet(); left.Count > 0;)
        {
            var delivery = await inbox.NextAsync();
            Assert.True(left.Remove(delivery.Message!.InvocationId));
            await delivery.AckAsync();
        }

        await UntilAsync(async () => await EnqueueAsync(gateway, Messages.Event(Function)) is null, "there is room again");
    }

    [Fact]
    public async Task Count_OfWhatWaits_LeavesOutWhatAWorkerHolds()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        Assert.Equal(0, await CountAsync());
        for (var sent = 1; sent <= 3; sent++)
        {
            Assert.Null(await EnqueueAsync(gateway, Messages.Event(Function)));

            // What was confirmed is counted: limits rely on it.
            Assert.Equal(sent, await CountAsync());
        }

        var inbox = new Inbox();
        await using (await LaneAsync(worker, Function, inbox, prefetch: 1))
        {
            var first = await inbox.NextAsync();
            await UntilAsync(async () => await CountAsync() == 2, "what was delivered is not counted");
            await first.ReturnAsync();
        }

        await UntilAsync(async () => await CountAsync() == 3, "what came back is counted");
        await gateway.Sender.DeleteFunctionAsync(Function, (_, _) => Task.CompletedTask, CancellationToken.None).WaitAsync(Patience);
        Assert.True(await gateway.Sender.CountWaitingAsync(Function, CancellationToken.None) is null or 0);

        // Asked again if the broker did not answer within the second that a caller is kept waiting.
        async Task<long?> CountAsync()
        {
            long? count = null;
            await UntilAsync(async () => (count = await gateway.Sender.CountWaitingAsync(Function, CancellationToken.None)) is not null, "the broker counts");
            return count;
        }
    }

    [Fact]
    public async Task Fault01_EventUnsettledAndWorkerGone_ComesAgainRedelivered()
    {
        var (gateway, worker, other) = (await NodeAsync(), await NodeAsync(), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var (inbox, otherInbox) = (new Inbox(), new Inbox());
        var message = Messages.Event(Function);
        var lane = await LaneAsync(worker, Function, inbox);
        Assert.Null(await EnqueueAsync(gateway, message));
        Assert.False((await inbox.NextAsync()).Redelivered);

        await lane.DisposeAsync();
        await using var otherLane = await LaneAsync(other, Function, otherInbox);

        var again = await otherInbox.NextAsync();
        Assert.True(again.Redelivered);
        Messages.AssertSame(message, again.Message!);
        await again.AckAsync();
    }

    [Fact]
    public async Task Count_OfWhatIsReadyHeldAndDead_IsOfEachMessageOnce()
    {
        var (gateway, worker) = (await NodeAsync(("DeliveryLimit", "2")), await NodeAsync(("DeliveryLimit", "2")));
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        Assert.Null(await EnqueueAsync(gateway, Messages.Event(Function)));
        Assert.Null(await EnqueueAsync(gateway, Messages.Event(Function)));
        await AssertCountsAsync(ready: 2, held: 0, dead: 0);
        var inbox = new Inbox();
        await using (await LaneAsync(worker, Function, inbox, prefetch: 1))
        {
            var first = await inbox.NextAsync();
            await AssertCountsAsync(ready: 1, held: 1, dead: 0);
            await first.AckAsync();
            await inbox.NextAsync();
            await AssertCountsAsync(ready: 0, held: 1, dead: 0);
        }

        // The lane ended with one unsettled; given back once more, that one is dead.
        await AssertCountsAsync(ready: 1, held: 0, dead: 0);
        await using (await LaneAsync(worker, Function, inbox, prefetch: 1))
        {
            await (await inbox.NextAsync()).ReturnAsync();
            await AssertCountsAsync(ready: 0, held: 0, dead: 1);
        }

        Task AssertCountsAsync(long ready, int held, long dead) => UntilAsync(
            async () =>
            {
                var depths = await gateway.Depths.ReadAsync([Function, Guid.NewGuid()], CancellationToken.None);
                return depths.Ready[Function] == ready && depths.Ready.Values.Sum() == ready && depths.Dead == dead
                    && worker.Receiver.CountHeldEvents().GetValueOrDefault(Function) == held;
            },
            $"{ready} are ready, {held} held, {dead} dead");
    }

    [Fact]
    public async Task Deliver_LimitReached_BecomesDeadLetter()
    {
        var (gateway, worker) = (await NodeAsync(("DeliveryLimit", "3")), await NodeAsync(("DeliveryLimit", "3")));
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var poison = Messages.Event(Function);
        Assert.Null(await EnqueueAsync(gateway, poison));
        for (var i = 0; i < 3; i++)
        {
            var inbox = new Inbox();
            await using var lane = await LaneAsync(worker, Function, inbox);
            Assert.Equal(i > 0, (await inbox.NextAsync()).Redelivered);
        }

        var dead = new Inbox();
        await using (var recorder = await gateway.Receiver.SubscribeDeadAsync(dead.TakeAsync, CancellationToken.None))
        {
            var letter = await DeadLetterAsync(dead);
            Messages.AssertSame(poison, letter.Message!);
            Assert.Equal(Function, letter.FunctionId);
        }

        // Not acknowledged, it comes to the next recorder; acknowledged, never again.
        await using (var recorder = await gateway.Receiver.SubscribeDeadAsync(dead.TakeAsync, CancellationToken.None))
        {
            var letter = await DeadLetterAsync(dead);
            Assert.Equal(poison.InvocationId, letter.Message!.InvocationId);
            await letter.AckAsync();
        }

        var rest = new Inbox();
        await using var last = await LaneAsync(worker, Function, rest);
        var next = Messages.Event(Function);
        Assert.Null(await EnqueueAsync(gateway, next));
        Assert.Equal(next.InvocationId, (await rest.NextAsync()).Message!.InvocationId);

        // Other tests of this class may share the broker.
        async Task<IDelivery> DeadLetterAsync(Inbox from)
        {
            while (true)
            {
                var letter = await from.NextAsync();
                if (letter.FunctionId == Function)
                {
                    return letter;
                }
            }
        }
    }

    [Fact]
    public async Task Return_Event_ComesAgain()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox, prefetch: 1);
        var message = Messages.Event(Function);
        Assert.Null(await EnqueueAsync(gateway, message));

        await (await inbox.NextAsync()).ReturnAsync();
        var second = await inbox.NextAsync();
        Assert.Equal(0, second.Refusals);
        await second.ReturnAsync(refused: true);
        var third = await inbox.NextAsync();
        Assert.Equal(1, third.Refusals);
        await third.SpillAsync();
        var fourth = await inbox.NextAsync();

        Messages.AssertSame(message, fourth.Message!);
        Assert.Equal(1, fourth.Refusals);
        await fourth.AckAsync();
    }

    [Fact]
    public async Task Deliver_OneAtATime_KeepsOrder()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var sent = Enumerable.Range(0, 50).Select(_ => Messages.Event(Function)).ToList();
        foreach (var message in sent)
        {
            Assert.Null(await EnqueueAsync(gateway, message));
        }

        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox, prefetch: 1);
        foreach (var message in sent)
        {
            var delivery = await inbox.NextAsync();
            Assert.Equal(message.InvocationId, delivery.Message!.InvocationId);
            inbox.AssertEmpty();
            await delivery.AckAsync();
        }
    }

    [Fact]
    public async Task Deliver_TwoFunctions_StayApart()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var otherFunction = Guid.NewGuid();
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        await gateway.Sender.DeclareFunctionAsync(otherFunction, CancellationToken.None);
        var (inbox, otherInbox) = (new Inbox(), new Inbox());
        await using var lane = await LaneAsync(worker, Function, inbox, prefetch: 100);
        await using var otherLane = await LaneAsync(worker, otherFunction, otherInbox, prefetch: 100);

        for (var i = 0; i < 40; i++)
        {
            var function = i % 2 == 0 ? Function : otherFunction;
            _ = CallAsync(gateway, Messages.Call(function));
            Assert.Null(await EnqueueAsync(gateway, Messages.Event(function)));
        }

        for (var i = 0; i < 40; i++)
        {
            var (mine, others) = (await inbox.NextAsync(), await otherInbox.NextAsync());
            Assert.Equal((Function, Function), (mine.FunctionId, mine.Message!.FunctionId));
            Assert.Equal((otherFunction, otherFunction), (others.FunctionId, others.Message!.FunctionId));
            await AnswerAsync(mine);
            await AnswerAsync(others);
        }
    }

    [Fact]
    public async Task Enqueue_ManyAtOnce_AllArriveAndAreAcknowledged()
    {
        const int Count = 3_000;
        var (gateway, worker) = (await NodeAsync(("OutstandingConfirms", "200")), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var missing = new ConcurrentDictionary<Guid, bool>();
        var all = new TaskCompletionSource();
        var arrived = 0;
        await using (var lane = await worker.Receiver.SubscribeLaneAsync(Function, 500, Consume, CancellationToken.None))
        {
            await Parallel.ForAsync(0, Count, new ParallelOptions { MaxDegreeOfParallelism = 400 }, async (_, _) =>
            {
                var message = Messages.Event(Function);
                missing[message.InvocationId] = true;
                Assert.Null(await EnqueueAsync(gateway, message));
            });
            await all.Task.WaitAsync(Patience);
        }

        var inbox = new Inbox();
        await using var again = await LaneAsync(worker, Function, inbox);
        var last = Messages.Event(Function);
        Assert.Null(await EnqueueAsync(gateway, last));

        // That all came in spite of the prefetch shows the acknowledgements. Those that RabbitMQ's quorum queue had not yet taken when the
        // channel closed are lost under load, and their messages come again, as they may.
        while (await inbox.NextAsync() is var next && next.Message!.InvocationId != last.InvocationId)
        {
            Assert.True(next.Redelivered);
            await next.AckAsync();
        }

        // Acknowledged out of order, as a worker does.
        ValueTask Consume(IDelivery delivery)
        {
            _ = Task.Run(async () =>
            {
                await Task.Yield();
                await delivery.AckAsync();
                if (missing.TryRemove(delivery.Message!.InvocationId, out _) && Interlocked.Increment(ref arrived) == Count)
                {
                    all.TrySetResult();
                }
            });
            return ValueTask.CompletedTask;
        }
    }

    [Fact]
    public async Task Delete_WaitingEvents_AreHandedOut()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var sent = Enumerable.Range(0, 10).Select(_ => Messages.Event(Function)).ToList();
        foreach (var message in sent)
        {
            Assert.Null(await EnqueueAsync(gateway, message));
        }

        var drained = new ConcurrentQueue<InvocationMessage>();
        await gateway.Sender.DeleteFunctionAsync(
            Function,
            (message, _) =>
            {
                drained.Enqueue(message);
                return Task.CompletedTask;
            },
            CancellationToken.None).WaitAsync(Patience);

        Assert.Equal(sent.Select(message => message.InvocationId).Order(), drained.Select(message => message.InvocationId).Order());

        // Gone for good: neither healed nor delivered.
        Assert.Equal(ErrorCode.BrokerUnavailable, await EnqueueAsync(gateway, Messages.Event(Function)));
        Assert.Equal(ErrorCode.BrokerUnavailable, await EnqueueAsync(gateway, Messages.Event(Function)));
        await gateway.Sender.DeleteFunctionAsync(Function, (_, _) => throw new InvalidOperationException("There was nothing."), CancellationToken.None).WaitAsync(Patience);

        // A function of the same id may come back all the same.
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var next = Messages.Event(Function);
        Assert.Null(await EnqueueAsync(gateway, next));
        Assert.Equal(next.InvocationId, (await inbox.NextAsync()).Message!.InvocationId);
    }

    [Fact]
    public async Task Delete_CallbackFails_CanBeRepeatedWithoutLoss()
    {
        var gateway = await NodeAsync();
        await gateway.Sender.DeclareFunctionAsync(Function, CancellationToken.None);
        var message = Messages.Event(Function);
        Assert.Null(await EnqueueAsync(gateway, message));

        await Assert.ThrowsAsync<TimeZoneNotFoundException>(() =>
            gateway.Sender.DeleteFunctionAsync(Function, (_, _) => throw new TimeZoneNotFoundException(), CancellationToken.None).WaitAsync(Patience));
        var drained = new List<Guid>();
        await gateway.Sender.DeleteFunctionAsync(
            Function,
            (left, _) =>
            {
                drained.Add(left.InvocationId);
                return Task.CompletedTask;
            },
            CancellationToken.None).WaitAsync(Patience);

        Assert.Equal([message.InvocationId], drained);
    }
}
