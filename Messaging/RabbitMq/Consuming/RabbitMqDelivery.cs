using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.RabbitMq.Streaming;
using FaasCluster.Messaging.RabbitMq.Wire;

namespace FaasCluster.Messaging.RabbitMq.Consuming;

/// <summary>One delivery from the broker.</summary>
internal sealed class RabbitMqDelivery(ConsumerTag consumer, ulong tag, bool redelivered, Incoming incoming, Settlement settlement) : IDelivery
{
    private int settled;
    private RabbitMqAnswerStream? answer;

    public Incoming Incoming => incoming;

    public ConsumerTag Consumer => consumer;

    public ulong Tag => tag;

    public Guid FunctionId => incoming.FunctionId;

    public InvocationMessage? Message => incoming.Message;

    public bool IsCold => consumer.Source == DeliverySource.Cold;

    public bool Redelivered => redelivered;

    public int Refusals => incoming.Refusals;

    public ValueTask AckAsync() => TrySettle() ? settlement.AckAsync(this) : ValueTask.CompletedTask;

    public ValueTask SpillAsync() => TrySettle() ? settlement.SpillAsync(this) : ValueTask.CompletedTask;

    public ValueTask ReturnAsync(bool refused = false) => TrySettle() ? settlement.ReturnAsync(this, refused) : ValueTask.CompletedTask;

    public ValueTask SendStartedAsync() => incoming.ReplyTo is null ? ValueTask.CompletedTask : settlement.SendStartedAsync(incoming);

    public IAnswerStream? OpenAnswer(Action<ErrorCode> onRefused) =>
        incoming.ReplyTo is null || incoming.StreamWindow == 0 ? null : answer = settlement.Answers.Open(incoming, onRefused);

    public ValueTask SendReplyAsync(InvocationReply reply) =>
        incoming.ReplyTo is null ? ValueTask.CompletedTask
        : answer is { HasStarted: true } ? settlement.SendEndAsync(incoming, answer, reply)
        : settlement.SendReplyAsync(incoming, reply);

    private bool TrySettle() => Interlocked.Exchange(ref settled, 1) == 0;
}
