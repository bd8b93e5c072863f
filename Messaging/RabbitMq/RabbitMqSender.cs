using System.Globalization;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Messaging.RabbitMq.Calls;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.RabbitMq.Publishing;
using FaasCluster.Messaging.RabbitMq.Queues;
using FaasCluster.Messaging.RabbitMq.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using RabbitMQ.Client.Events;

namespace FaasCluster.Messaging.RabbitMq;

/// <summary>The gateway's side on RabbitMQ.</summary>
internal sealed class RabbitMqSender : IInvocationSender, IAsyncDisposable
{
    /// <summary>A run that begins just before the deadline says so, or answers, within this.</summary>
    private static readonly TimeSpan StartGrace = TimeSpan.FromMilliseconds(500);

    /// <summary>For the record's commit and the way back.</summary>
    private static readonly TimeSpan ReplyGrace = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan WakeExpiration = TimeSpan.FromSeconds(10);

    private readonly CallTable calls;
    private readonly ReplyQueue replies;
    private readonly PlainPublisher publisher;
    private readonly ConfirmedPublisher confirmed;
    private readonly FunctionQueues functions;
    private readonly BrokerConnections connections;
    private readonly Topology topology;
    private readonly MessagingOptions options;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    public RabbitMqSender(
        CallTable calls, ReplyQueue replies, ConfirmedPublisher confirmed, FunctionQueues functions, BrokerConnections connections,
        Topology topology, IOptions<MessagingOptions> options, TimeProvider time, ILogger<RabbitMqSender> logger)
    {
        this.calls = calls;
        this.replies = replies;
        this.confirmed = confirmed;
        this.functions = functions;
        this.connections = connections;
        this.topology = topology;
        this.options = options.Value;
        this.time = time;
        this.logger = logger;
        publisher = new PlainPublisher(connections.Publishing, topology, "calls", time, logger) { Returned = OnReturned, Lost = calls.FailUnstarted };
    }

    public void Start() => publisher.Start();

    public ValueTask DisposeAsync() => publisher.DisposeAsync();

    /// <inheritdoc/>
    public async Task<CallOutcome> CallAsync(InvocationMessage message, TimeSpan runLimit, IAnswerSink? sink, CancellationToken cancellationToken)
    {
        try
        {
            return await CallOnceAsync(message, runLimit, sink, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new CallOutcome { Error = ErrorCode.Cancelled };
        }
    }

    /// <inheritdoc/>
    public async Task<ErrorCode?> EnqueueAsync(InvocationMessage message, CancellationToken cancellationToken)
    {
        var outcome = await confirmed.PublishAsync(
            BrokerNames.Async, BrokerNames.RoutingKey(message.FunctionId), MessageCodec.WriteEvent(message), cancellationToken);
        if (outcome == PublishOutcome.Unroutable)
        {
            await functions.HealAsync(message.FunctionId, cancellationToken);
        }

        return outcome switch
        {
            PublishOutcome.Confirmed => null,
            PublishOutcome.Refused => ErrorCode.QueueFull,
            _ => ErrorCode.BrokerUnavailable,
        };
    }

    /// <inheritdoc/>
    public Task<long?> CountWaitingAsync(Guid functionId, CancellationToken cancellationToken) => functions.CountAsync(functionId, cancellationToken);

    /// <inheritdoc/>
    public async Task WakeAsync(Guid functionId, CancellationToken cancellationToken)
    {
        if (await publisher.TryGetAsync(cancellationToken) is { } channel)
        {
            await PlainPublisher.PublishAsync(channel, BrokerNames.Cold, "", mandatory: false, MessageCodec.WriteWake(functionId, WakeExpiration), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public Task DeclareFunctionAsync(Guid functionId, CancellationToken cancellationToken) => functions.DeclareAsync(functionId, cancellationToken);

    /// <inheritdoc/>
    public Task DeleteFunctionAsync(Guid functionId, Func<InvocationMessage, CancellationToken, Task> drained, CancellationToken cancellationToken) =>
        functions.DeleteAsync(functionId, drained, cancellationToken);

    private async Task<CallOutcome> CallOnceAsync(InvocationMessage message, TimeSpan runLimit, IAnswerSink? sink, CancellationToken cancellationToken)
    {
        // 1. Is there still time, a queue for the answer, and a channel that takes messages?
        var now = time.GetUtcNow();
        var patience = message.Deadline - now;
        if (patience <= TimeSpan.Zero)
        {
            return new CallOutcome { Error = ErrorCode.WaitTimeout, WasNotSent = true };
        }

        if (await replies.TryGetAsync(cancellationToken) is not { } replyQueue || await publisher.TryGetAsync(cancellationToken) is not { } channel)
        {
            return new CallOutcome { Error = ErrorCode.BrokerUnavailable, WasNotSent = true };
        }

        // 2. Wait before sending: the answer may be faster than this thread.
        var sentAt = time.GetTimestamp();
        var call = new PendingCall
        {
            Number = calls.NextNumber(),
            Message = message,
            ReplyQueue = replyQueue,
            SentAt = sentAt,
            WaitUntil = sentAt + (long)((patience + StartGrace).TotalSeconds * time.TimestampFrequency),
            RunLimit = runLimit + ReplyGrace,
            Channel = channel,
            Sink = sink,
            StreamWindow = sink is null ? 0 : options.StreamWindowBytes,
            Leaving = cancellationToken,
        };
        calls.Add(call);
        try
        {
            await using var leaving = cancellationToken.UnsafeRegister(static state => ((PendingCall)state!).Fail(ErrorCode.Cancelled), call);

            // 3. Send. A socket that takes nothing must not hold the caller longer than its deadline.
            var sending = PublishAsync(call, now, CancellationToken.None);
            if (!sending.IsCompletedSuccessfully)
            {
                _ = FailUnlessSentAsync(call, sending.AsTask());
            }
            else if (!await sending)
            {
                call.Fail(ErrorCode.BrokerUnavailable);
            }

            // 4. The rest is done by the answer, a return, a loss or the watch, whichever is first.
            var outcome = await call.Task;
            return call.Answer is { } answer ? await answer.FinishAsync(outcome) : outcome;
        }
        finally
        {
            calls.Remove(call);
        }
    }

    private ValueTask<bool> PublishAsync(PendingCall call, DateTimeOffset now, CancellationToken cancellationToken) => PlainPublisher.PublishAsync(
        call.Channel!,
        BrokerNames.Invoke,
        BrokerNames.RoutingKey(call.Message.FunctionId),
        mandatory: true,
        MessageCodec.WriteCall(call.Message, call.ReplyQueue, call.Number.ToString(CultureInfo.InvariantCulture), now, streamWindow: call.StreamWindow),
        cancellationToken);

    private async Task FailUnlessSentAsync(PendingCall call, Task<bool> sending)
    {
        try
        {
            if (!await sending)
            {
                call.Fail(ErrorCode.BrokerUnavailable);
            }
        }
        catch (Exception exception)
        {
            Log.CallFailed(logger, exception, call.Message.InvocationId);
            call.Fail(ErrorCode.BrokerUnavailable);
        }
    }

    // Only if an operator deleted the cold queue, for that one takes everything. Runs on the receiving loop: nothing waits here.
    private void OnReturned(BasicReturnEventArgs returned)
    {
        if (calls.Find(returned.BasicProperties.CorrelationId) is not { } call)
        {
            return;
        }

        if (call.WasReturned)
        {
            call.Fail(ErrorCode.BrokerUnavailable);
            return;
        }

        call.WasReturned = true;
        Log.Unroutable(logger, returned.Exchange, returned.RoutingKey);
        _ = FailUnlessSentAsync(call, Task.Run(() => SendAgainAsync(call)));
    }

    private async Task<bool> SendAgainAsync(PendingCall call)
    {
        using var patience = new CancellationTokenSource(options.ConfirmTimeout, time);
        if (await connections.Consuming.TryGetAsync(patience.Token) is not { } link)
        {
            return false;
        }

        await topology.HealAsync(link, patience.Token);
        return call.Task.IsCompleted || await PublishAsync(call, time.GetUtcNow(), patience.Token);
    }
}
