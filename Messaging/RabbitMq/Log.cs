using FaasCluster.Messaging.RabbitMq.Connections;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.RabbitMq;

/// <summary>Log lines of the invocation path on RabbitMQ: 1000 to 1099.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "Connected to RabbitMQ at {Address} ({Connection}).")]
    public static partial void Connected(ILogger logger, string connection, BrokerAddress address);

    [LoggerMessage(1001, LogLevel.Warning, "The connection to RabbitMQ at {Address} is lost ({Connection}): {Reason}. It is made again.")]
    public static partial void ConnectionLost(ILogger logger, string connection, BrokerAddress address, string reason);

    [LoggerMessage(1002, LogLevel.Warning, "No connection to RabbitMQ at {Address} ({Connection}): {Reason}. Trying on; check that it runs and that {Setting} is right.")]
    public static partial void ConnectFailed(ILogger logger, string connection, BrokerAddress address, string reason, string setting);

    [LoggerMessage(1003, LogLevel.Warning, "The channel for {Purpose} was closed: {Reason}. It is opened again.")]
    public static partial void ChannelLost(ILogger logger, string purpose, string reason);

    [LoggerMessage(1004, LogLevel.Error, "The channel for {Purpose} failed; it is opened again.")]
    public static partial void ChannelFailed(ILogger logger, Exception exception, string purpose);

    [LoggerMessage(1005, LogLevel.Warning, "Queue {Queue} exists with other arguments than this node would give it: {Reason}. It is used as it is; to change it, delete it while it is empty.")]
    public static partial void OtherArguments(ILogger logger, string queue, string reason);

    [LoggerMessage(1010, LogLevel.Warning, "A message from {Queue} is not one of ours: {Problem} It is dropped.")]
    public static partial void Malformed(ILogger logger, string queue, string problem);

    [LoggerMessage(1011, LogLevel.Error, "The consumer of {Queue} failed on a delivery; it stays unsettled and comes again when the subscription ends.")]
    public static partial void ConsumerFailed(ILogger logger, Exception exception, string queue);

    [LoggerMessage(1012, LogLevel.Warning, "Invocation {InvocationId} was a synchronous call and reached its delivery limit; its caller has its answer by now.")]
    public static partial void DeadCall(ILogger logger, Guid invocationId);

    [LoggerMessage(1020, LogLevel.Warning, "The broker did not confirm a message within {Timeout}; the channel is given up.")]
    public static partial void ConfirmTimedOut(ILogger logger, TimeSpan timeout);

    [LoggerMessage(1021, LogLevel.Warning, "A message for {Key} of exchange {Exchange} could not be routed; exchanges and queues are declared again.")]
    public static partial void Unroutable(ILogger logger, string exchange, string key);

    [LoggerMessage(1022, LogLevel.Warning, "An answer to {Queue} was not sent: {Reason}. Its caller has a deadline of its own.")]
    public static partial void ReplyNotSent(ILogger logger, string queue, string reason);

    [LoggerMessage(1023, LogLevel.Warning, "An answer is not one of ours: {Problem}")]
    public static partial void ReplyMalformed(ILogger logger, string problem);

    [LoggerMessage(1024, LogLevel.Warning, "Worker {WorkerId} is gone; {Calls} calls that ran on it, or seem to have, end as worker_lost.")]
    public static partial void WorkerLost(ILogger logger, string workerId, int calls);

    [LoggerMessage(1025, LogLevel.Warning, "The queue of function {FunctionId} was not there; it is declared again.")]
    public static partial void QueueHealed(ILogger logger, Guid functionId);

    [LoggerMessage(1026, LogLevel.Error, "Sending invocation {InvocationId} failed.")]
    public static partial void CallFailed(ILogger logger, Exception exception, Guid invocationId);

    [LoggerMessage(1027, LogLevel.Warning, "The queue of function {FunctionId} was not declared again; the next invocation tries once more.")]
    public static partial void HealFailed(ILogger logger, Exception exception, Guid functionId);

    [LoggerMessage(1028, LogLevel.Error, "A delivery of function {FunctionId} could not be passed on; it goes back to its queue.")]
    public static partial void RepublishFailed(ILogger logger, Exception exception, Guid functionId);

    [LoggerMessage(1029, LogLevel.Debug, "The queue of function {FunctionId} was not counted.")]
    public static partial void CountFailed(ILogger logger, Exception exception, Guid functionId);

    [LoggerMessage(1030, LogLevel.Warning, "Leaving the warm queue of function {FunctionId} failed; what lies in it goes cold by itself: {Reason}")]
    public static partial void LeaveFailed(ILogger logger, Guid functionId, string reason);

    [LoggerMessage(1031, LogLevel.Warning, "The streamed answer of invocation {InvocationId} is broken: message {Sequence} came after {Count}. Its caller's connection is aborted, and the run is killed.")]
    public static partial void AnswerBroken(ILogger logger, Guid invocationId, long sequence, long count);
}
