using System.Security.Cryptography;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Answers in pieces.</summary>
public abstract partial class InvocationPathTests
{
    private const int Window = 64 << 10;

    [Fact]
    public async Task Stream_ManyPieces_ArriveBeforeTheEndInOrderAndWhole()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var (sink, body) = (new TestSink(), RandomNumberGenerator.GetBytes(3_000_000));

        var calling = StreamAsync(gateway, sink);
        var (delivery, stream, _) = await OpenAsync(inbox);
        using (stream)
        {
            await StartAsync(delivery, stream, body[..10]);
            var head = await sink.Head.Task.WaitAsync(Patience);
            Assert.Equal((201, "text/event-stream"), (head.Result!.HttpStatus, head.Result.ContentType));
            Assert.Equal([KeyValuePair.Create("X-One", "1")], head.Result.Headers);
            Assert.Equal((delivery.Message!.InvocationId, true, TimeSpan.FromSeconds(2)), (head.InvocationId, head.ColdStart, head.Timings.Queue));

            // Of very different lengths, one longer than a message.
            await stream.WriteAsync(body.AsMemory(10, 1), CancellationToken.None);
            await UntilAsync(() => Task.FromResult(sink.Body.Length == 11), "the second piece");
            Assert.False(calling.IsCompleted);
            await stream.WriteAsync(body.AsMemory(11, 1_000_000), CancellationToken.None);
            for (var at = 1_000_011; at < body.Length; at += 7_777)
            {
                await stream.WriteAsync(body.AsMemory(at, Math.Min(7_777, body.Length - at)), CancellationToken.None);
            }

            await EndAsync(delivery);
        }

        var outcome = await calling;
        Assert.Null(outcome.Error);
        Assert.Null(outcome.Reply!.Error);
        Assert.Equal(body, sink.Body);
    }

    [Fact]
    public async Task Stream_CallerThatDoesNotRead_HoldsUpItsWriterAndNothingElse()
    {
        var (gateway, worker) = (await NodeAsync(("StreamWindowBytes", $"{Window}")), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var sink = new TestSink(room: 1);

        var calling = StreamAsync(gateway, sink);
        var (delivery, stream, _) = await OpenAsync(inbox);
        using var _2 = stream;
        await StartAsync(delivery, stream, []);
        var written = 0L;
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                await stream.WriteAsync(new byte[1000], CancellationToken.None);
                Interlocked.Add(ref written, 1000);
            }
        });

        // Other calls of the same gateway to the same worker take their way meanwhile.
        for (var i = 0; i < 20; i++)
        {
            var other = CallAsync(gateway, Messages.Call(Function));
            await AnswerAsync(await inbox.NextAsync());
            Assert.NotNull((await other).Reply);
        }

        await UntilAsync(() => Task.FromResult(Interlocked.Read(ref written) > Window / 4 && !sink.Pieces.IsEmpty), "some pieces written");
        var held = Interlocked.Read(ref written);
        Assert.InRange(held, 0, Window);
        Assert.False(writing.IsCompleted);
        Assert.Single(sink.Pieces);

        sink.GiveRoom(2000);
        await writing.WaitAsync(Patience);
        await EndAsync(delivery);
        Assert.Null((await calling).Error);
        Assert.Equal(1_000_000, sink.Body.Length);
    }

    [Fact]
    public async Task Stream_MillionsOfBytesInTinyPieces_NeverHoldMoreThanTheWindow()
    {
        var (gateway, worker) = (await NodeAsync(("StreamWindowBytes", $"{Window}")), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var sink = new TestSink(room: 0);

        var calling = StreamAsync(gateway, sink);
        var (delivery, stream, _) = await OpenAsync(inbox);
        using var _2 = stream;
        await StartAsync(delivery, stream, []);
        var written = 0;
        var writing = Task.Run(async () =>
        {
            for (; written < 20_000; written++)
            {
                await stream.WriteAsync("."u8.ToArray(), CancellationToken.None);
            }
        });

        await UntilAsync(() => Task.FromResult(Volatile.Read(ref written) > 50), "some pieces written");
        sink.GiveRoom(50);
        await UntilAsync(() => Task.FromResult(sink.Pieces.Count == 50), "what there is room for");
        Assert.InRange(Volatile.Read(ref written), 50, 1000);

        sink.GiveRoom(20_000);
        await writing.WaitAsync(Patience);
        await EndAsync(delivery);
        Assert.Null((await calling).Error);
        Assert.Equal(20_000, sink.Body.Length);
    }

    [Fact]
    public async Task Stream_CallerLeaves_TellsTheWriterAtOnce()
    {
        var (gateway, worker) = (await NodeAsync(("StreamWindowBytes", $"{Window}")), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        using var leaving = new CancellationTokenSource();
        var sink = new TestSink(room: 0);

        var calling = StreamAsync(gateway, sink, leaving.Token);
        var (delivery, stream, refused) = await OpenAsync(inbox);
        using var _2 = stream;
        await StartAsync(delivery, stream, []);
        await sink.Head.Task.WaitAsync(Patience);
        var writing = Task.Run(() => WriteEndlesslyAsync(stream));
        await leaving.CancelAsync();

        Assert.Equal(ErrorCode.Cancelled, (await calling).Error);
        Assert.Equal(ErrorCode.CallerLeft, await refused.WaitAsync(Patience));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing.WaitAsync(Patience));
    }

    [Fact]
    public async Task Stream_CallerLeftBeforeTheHead_TellsTheWriter()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        using var leaving = new CancellationTokenSource();

        var calling = StreamAsync(gateway, new TestSink(), leaving.Token);
        var (delivery, stream, refused) = await OpenAsync(inbox);
        using var _2 = stream;
        await leaving.CancelAsync();
        Assert.Equal(ErrorCode.Cancelled, (await calling).Error);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await StartAsync(delivery, stream, []);
            await WriteEndlesslyAsync(stream);
        });
        Assert.Equal(ErrorCode.CallerLeft, await refused.WaitAsync(Patience));
    }

    [Fact]
    public async Task Stream_HeadThatCannotBePassedOn_EndsCallAndWriter()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);

        var calling = StreamAsync(gateway, new TestSink { Refusal = ErrorCode.InvalidResponse });
        var (delivery, stream, refused) = await OpenAsync(inbox);
        using var _2 = stream;
        await StartAsync(delivery, stream, []);

        Assert.Equal(ErrorCode.InvalidResponse, (await calling).Error);
        Assert.Equal(ErrorCode.InvalidResponse, await refused.WaitAsync(Patience));
    }

    [Fact]
    public async Task Stream_ErrorInMidStream_ComesBehindWhatWasWritten()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);
        var sink = new TestSink(room: 0);

        var calling = StreamAsync(gateway, sink);
        var (delivery, stream, _) = await OpenAsync(inbox);
        using var _2 = stream;
        await StartAsync(delivery, stream, "first"u8.ToArray());
        await delivery.SendReplyAsync(Messages.Answer(delivery) with { Result = null, Error = new InvocationError { Code = ErrorCode.FunctionError, Message = "boom" } });
        sink.GiveRoom(1);

        Assert.Equal("boom", (await calling).Reply!.Error!.Message);
        Assert.Equal("first"u8.ToArray(), sink.Body);
    }

    [Fact]
    public async Task Stream_CallerThatTakesAnswersOnlyWhole_HasNone()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var inbox = new Inbox();
        await using var lane = await LaneAsync(worker, Function, inbox);

        var calling = CallAsync(gateway, Messages.Call(Function));
        var delivery = await inbox.NextAsync();
        Assert.Null(delivery.OpenAnswer(_ => { }));
        await AnswerAsync(delivery);
        Assert.NotNull((await calling).Reply);

        await EnqueueAsync(gateway, Messages.Event(Function));
    }

    [Fact]
    public async Task Stream_SpilledCall_StillStreams()
    {
        var (gateway, worker) = (await NodeAsync(), await NodeAsync());
        var (warm, cold) = (new Inbox(), new Inbox());
        await using var lane = await LaneAsync(worker, Function, warm);
        var sink = new TestSink();

        var calling = StreamAsync(gateway, sink);
        await (await warm.NextAsync()).SpillAsync();
        await using var taking = await ColdAsync(worker, cold);
        var (delivery, stream, _) = await OpenAsync(cold);
        using var _2 = stream;
        await StartAsync(delivery, stream, "spilled"u8.ToArray());
        await EndAsync(delivery);

        Assert.Null((await calling).Error);
        Assert.Equal("spilled"u8.ToArray(), sink.Body);
    }

    private protected static Task<CallOutcome> StreamAsync(MessagingNode gateway, IAnswerSink sink, Guid function, CancellationToken leaving = default) =>
        gateway.Sender.CallAsync(Messages.Call(function), RunLimit, sink, leaving).WaitAsync(Patience + Patience, CancellationToken.None);

    private protected Task<CallOutcome> StreamAsync(MessagingNode gateway, IAnswerSink sink, CancellationToken leaving = default) =>
        StreamAsync(gateway, sink, Function, leaving);

    private protected static async Task<(IDelivery Delivery, IAnswerStream Stream, Task<ErrorCode> Refused)> OpenAsync(Inbox inbox)
    {
        var refused = new TaskCompletionSource<ErrorCode>(TaskCreationOptions.RunContinuationsAsynchronously);
        var delivery = await inbox.NextAsync();
        await delivery.AckAsync();
        return (delivery, delivery.OpenAnswer(refused.SetResult)!, refused.Task);
    }

    private protected static ValueTask StartAsync(IDelivery delivery, IAnswerStream stream, byte[] body) => stream.StartAsync(
        Messages.Answer(delivery) with
        {
            Result = new InvocationResult { HttpStatus = 201, Headers = [KeyValuePair.Create("X-One", "1")], ContentType = "text/event-stream", Body = body },
            Timings = new InvocationTimings { Queue = TimeSpan.FromSeconds(2) },
            ColdStart = true,
        },
        CancellationToken.None);

    private protected static ValueTask EndAsync(IDelivery delivery) => delivery.SendReplyAsync(Messages.Answer(delivery) with { Result = new InvocationResult() });

    private protected static async Task WriteEndlesslyAsync(IAnswerStream stream)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!patience.IsCancellationRequested)
        {
            await stream.WriteAsync(new byte[1000], CancellationToken.None);
        }
    }
}
