using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Synchronous calls: where they go and how they end.</summary>
public abstract partial class InvocationPathTests
{
    [Fact]
    public async Task Call_NoWarmWorker_GoesCold()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var cold = await ColdAsync(worker, inbox);
        var message = Messages.Call(Function);

        var calling = CallAsync(gateway, message);
        var delivery = await inbox.NextAsync();
        await AnswerAsync(delivery);

        Assert.True(delivery.IsCold);
        Assert.False(delivery.Redelivered);
        Assert.Equal(0, delivery.Refusals);
        Assert.Equal(Function, delivery.FunctionId);
        Messages.AssertSame(message, delivery.Message!);
        Assert.Equal(message.Body.ToArray(), (await calling).Reply!.Result!.Body.ToArray());
    }

    [Fact]
    public async Task Call_WarmWorker_GoesThere()
    {
        var (gateway, worker) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (warmInbox, coldInbox) = (new Inbox(), new Inbox());
        await using var cold = await ColdAsync(worker, coldInbox);
        await using var lane = await LaneAsync(worker, Function, warmInbox);

        var calling = CallAsync(gateway, Messages.Call(Function));
        var delivery = await warmInbox.NextAsync();
        await AnswerAsync(delivery);

        Assert.False(delivery.IsCold);
        Assert.NotNull((await calling).Reply);
        coldInbox.AssertEmpty();
    }

    [Fact]
    public async Task Call_EveryField_Arrives()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var message = Messages.Call(Function, body: [0, 255, 10, 13]) with
        {
            Revision = 17,
            AccountId = "ünï-☃",
            Attempt = 3,
            Failures = 2,
            Trigger = TriggerKind.Http,
            DueAt = DateTimeOffset.UtcNow.AddSeconds(-3),
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            ContentType = $"text/plain; a={new string('x', 500)}",
            SuppressDestinations = true,
            KeepsAnswer = true,
            BodyIsStored = true,
            Http = new HttpEvent
            {
                Method = "POST",
                Path = "/a%20b/ü",
                Query = "x=1&y=%00",
                Headers = [new("accept", "*/*"), new("cookie", "a"), new("cookie", "b\"<ü>\\"), new("big", new string('h', 200_000))],
                SourceIp = "::1",
                Protocol = "HTTP/2",
                Scheme = "https",
                Host = "example.org:8443",
                PathBase = "/fn/x",
            },
        };

        var calling = CallAsync(gateway, message);
        var delivery = await inbox.NextAsync();
        await AnswerAsync(delivery);

        Messages.AssertSame(message, delivery.Message!);
        Assert.NotNull((await calling).Reply);
    }

    [Fact]
    public async Task Reply_EveryField_Returns()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var calling = CallAsync(gateway, Messages.Call(Function));
        var delivery = await inbox.NextAsync();
        await delivery.AckAsync();
        var reply = Messages.Answer(delivery) with
        {
            Result = new InvocationResult
            {
                HttpStatus = 418,
                ContentType = "text/☃",
                Headers = [new("set-cookie", "a"), new("set-cookie", "b"), new("x-big", new string('h', 300_000))],
                Body = Enumerable.Range(0, 1_000_000).Select(i => (byte)i).ToArray(),
            },
            Timings = new InvocationTimings { Queue = new(1), Start = new(22), Init = new(333), Run = new(4444) },
            ColdStart = true,
            BilledMilliseconds = 12,
            Recorded = false,
            WorkerId = worker.NodeId,
        };

        await delivery.SendReplyAsync(reply);

        var got = (await calling).Reply!;
        Assert.Equal(reply.Result.Body.Span, got.Result!.Body.Span);
        Assert.Equal(reply.Result.Headers, got.Result.Headers);
        Assert.Equal(reply.Result with { Body = default, Headers = [] }, got.Result with { Body = default, Headers = reply.Result.Headers.Take(0).ToArray() }, Same);
        Assert.Equal(reply with { Result = null }, got with { Result = null });

        static bool Same(InvocationResult a, InvocationResult b) => a.HttpStatus == b.HttpStatus && a.ContentType == b.ContentType;
    }

    [Fact]
    public async Task Reply_Error_Returns()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var calling = CallAsync(gateway, Messages.Call(Function));
        var delivery = await inbox.NextAsync();
        await delivery.AckAsync();

        await delivery.SendReplyAsync(Messages.Answer(delivery) with
        {
            Result = null,
            Error = new InvocationError { Code = ErrorCode.OutOfMemory, Type = "MemoryError", Message = "too much ☃", StackTrace = ["a", "b"] },
        });

        var error = (await calling).Reply!.Error!;
        Assert.Equal((ErrorCode.OutOfMemory, "MemoryError", "too much ☃"), (error.Code, error.Type, error.Message));
        Assert.Equal(["a", "b"], error.StackTrace);
    }

    [Fact]
    public async Task Call_WarmWorkerIsFull_SpillsAfterSpillTime()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var (warmInbox, coldInbox) = (new Inbox(), new Inbox());
        await using var cold = await ColdAsync(worker, coldInbox);
        await using var lane = await LaneAsync(worker, Function, warmInbox, prefetch: 1);
        var first = CallAsync(gateway, Messages.Call(Function));
        var held = await warmInbox.NextAsync();

        var second = CallAsync(gateway, Messages.Call(Function));
        var spilled = await coldInbox.NextAsync();

        Assert.True(spilled.IsCold);
        await AnswerAsync(spilled);
        Assert.NotNull((await second).Reply);
        await AnswerAsync(held);
        Assert.NotNull((await first).Reply);
    }

    [Fact]
    public async Task Spill_DeliveredCall_GoesCold()
    {
        var (gateway, worker) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (warmInbox, coldInbox) = (new Inbox(), new Inbox());
        await using var cold = await ColdAsync(worker, coldInbox);
        await using var lane = await LaneAsync(worker, Function, warmInbox);
        var calling = CallAsync(gateway, Messages.Call(Function));

        await (await warmInbox.NextAsync()).SpillAsync();

        await AnswerAsync(await coldInbox.NextAsync());
        Assert.NotNull((await calling).Reply);
    }

    [Fact]
    public async Task Return_ColdCall_ComesAgain()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var cold = await ColdAsync(worker, inbox, room: 1);
        var message = Messages.Call(Function);
        var calling = CallAsync(gateway, message);

        // More often than the broker would take it back as a failed delivery.
        for (var i = 0; i < 50; i++)
        {
            var delivery = await inbox.NextAsync();
            Assert.Equal(i / 2, delivery.Refusals);
            await delivery.ReturnAsync(refused: i % 2 == 1);
        }

        var last = await inbox.NextAsync();
        Messages.AssertSame(message, last.Message!);
        await AnswerAsync(last);
        Assert.NotNull((await calling).Reply);
    }

    [Fact]
    public async Task Call_NobodyTakesIt_EndsAtItsDeadlineAndNeverRuns()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();

        var message = Messages.Call(Function, wait: TimeSpan.FromMilliseconds(300));
        var outcome = await CallAsync(gateway, message);

        Assert.Equal(ErrorCode.WaitTimeout, outcome.Error);

        // A broker counts from when it has got it, which is later.
        await UntilAsync(() => Task.FromResult(DateTimeOffset.UtcNow > message.Deadline.AddSeconds(3)), "the deadline is long over");
        await using var cold = await ColdAsync(worker, inbox);
        var later = Messages.Call(Function);
        var calling = CallAsync(gateway, later);
        var delivery = await inbox.NextAsync();
        Assert.Equal(later.InvocationId, delivery.Message!.InvocationId);
        await AnswerAsync(delivery);
        await calling;
    }

    [Fact]
    public async Task Call_DeadlineIsOver_EndsAtOnce()
    {
        var gateway = await NodeAsync();

        var outcome = await CallAsync(gateway, Messages.Call(Function, wait: TimeSpan.FromSeconds(-1)));

        Assert.Equal(ErrorCode.WaitTimeout, outcome.Error);
    }

    [Fact]
    public async Task Call_StartedBeforeDeadline_IsAnsweredAfterIt()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var message = Messages.Call(Function, wait: TimeSpan.FromSeconds(6));

        var calling = CallAsync(gateway, message);
        var delivery = await inbox.NextAsync();
        await delivery.AckAsync();
        await delivery.SendStartedAsync();
        await UntilAsync(() => Task.FromResult(DateTimeOffset.UtcNow > message.Deadline.AddSeconds(1)), "the deadline is over");
        Assert.False(calling.IsCompleted);
        await delivery.SendReplyAsync(Messages.Answer(delivery));

        var outcome = await calling;
        Assert.NotNull(outcome.Reply);
        Assert.Equal(worker.NodeId, outcome.StartedOn);
    }

    [Fact]
    public async Task Call_StartedAndNeverAnswered_EndsWithItsRunLimit()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var calling = gateway.Sender.CallAsync(Messages.Call(Function), TimeSpan.FromMilliseconds(100), CancellationToken.None);
        var delivery = await inbox.NextAsync();
        await delivery.AckAsync();

        await delivery.SendStartedAsync();

        var outcome = await calling.WaitAsync(Patience);
        Assert.Equal(ErrorCode.WaitTimeout, outcome.Error);
        Assert.Equal(worker.NodeId, outcome.StartedOn);
    }

    [Fact]
    public async Task Call_CallerLeaves_IsCancelled()
    {
        var gateway = await NodeAsync();
        using var leaving = new CancellationTokenSource();

        var calling = gateway.Sender.CallAsync(Messages.Call(Function), RunLimit, leaving.Token);
        await leaving.CancelAsync();

        Assert.Equal(ErrorCode.Cancelled, (await calling.WaitAsync(Patience)).Error);
    }

    [Fact]
    public async Task Call_UnsettledAndWorkerGone_ComesAgain()
    {
        var (gateway, worker, other) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (inbox, otherInbox) = (new Inbox(), new Inbox());
        var lane = await LaneAsync(worker, Function, inbox);
        var message = Messages.Call(Function);
        var calling = CallAsync(gateway, message);
        await inbox.NextAsync();
        await using var otherLane = await LaneAsync(other, Function, otherInbox);

        await lane.DisposeAsync();

        var again = await otherInbox.NextAsync();
        Assert.True(again.Redelivered);
        Messages.AssertSame(message, again.Message!);
        await AnswerAsync(again);
        Assert.NotNull((await calling).Reply);
    }

    [Fact]
    public async Task Settle_Twice_DoesNothing()
    {
        var (gateway, worker) = (await NodeAsync(("SpillTime", "00:01:00")), await NodeAsync(("SpillTime", "00:01:00")));
        var (inbox, coldInbox) = (new Inbox(), new Inbox());
        await using var cold = await ColdAsync(worker, coldInbox);
        await using var lane = await LaneAsync(worker, Function, inbox, prefetch: 1);
        var calling = CallAsync(gateway, Messages.Call(Function));
        var delivery = await inbox.NextAsync();
        await AnswerAsync(delivery);

        await delivery.AckAsync();
        await delivery.SpillAsync();
        await delivery.ReturnAsync();

        Assert.NotNull((await calling).Reply);
        var next = CallAsync(gateway, Messages.Call(Function));
        await AnswerAsync(await inbox.NextAsync());
        Assert.NotNull((await next).Reply);
        coldInbox.AssertEmpty();
    }

    [Fact]
    public async Task Wake_ReachesAWorkerWithRoom()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var cold = await ColdAsync(worker, inbox);

        await gateway.Sender.WakeAsync(Function, CancellationToken.None);
        var first = await inbox.NextAsync();
        await first.ReturnAsync(refused: true);
        var second = await inbox.NextAsync();
        await second.AckAsync();

        Assert.Null(first.Message);
        Assert.Equal((Function, true, 0), (first.FunctionId, first.IsCold, first.Refusals));
        Assert.Equal((Function, 1), (second.FunctionId, second.Refusals));
    }
}
