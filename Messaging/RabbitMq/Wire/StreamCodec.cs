using System.Globalization;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>
/// Answers in pieces as AMQP messages: the head is a reply by another type, a piece is bytes and two numbers. They are transient and
/// unconfirmed: a gap is found by the numbers.
/// </summary>
internal static class StreamCodec
{
    public static Outgoing WriteHead(InvocationReply head, string correlationId, long stream) =>
        Mark(ReplyCodec.Write(head, correlationId), MessageHeaders.PieceType, stream, 0);

    public static Outgoing WriteEnd(InvocationReply reply, string correlationId, long stream, long count) =>
        Mark(ReplyCodec.Write(reply, correlationId), MessageHeaders.ReplyType, stream, count);

    public static Outgoing WritePiece(ReadOnlyMemory<byte> piece, string workerId, string correlationId, long stream, long sequence) => new(
        new BasicProperties
        {
            Type = MessageHeaders.PieceType,
            DeliveryMode = DeliveryModes.Transient,
            CorrelationId = correlationId,
            AppId = workerId,
            Headers = new Dictionary<string, object?>(2) { [MessageHeaders.Stream] = stream, [MessageHeaders.Sequence] = sequence },
        },
        piece);

    public static Outgoing WriteWaiting(string workerId, string correlationId, long stream) => new(
        new BasicProperties
        {
            Type = MessageHeaders.WaitingType,
            DeliveryMode = DeliveryModes.Transient,
            CorrelationId = correlationId,
            AppId = workerId,
            Headers = new Dictionary<string, object?>(1) { [MessageHeaders.Stream] = stream },
        },
        default);

    public static Outgoing WriteCredit(long stream, long total) => ToWorker(MessageHeaders.CreditType, stream, MessageHeaders.Credit, total);

    public static Outgoing WriteRefusal(long stream, ErrorCode why) => ToWorker(MessageHeaders.RefusalType, stream, MessageHeaders.Why, why.ToWire());

    /// <summary>The worker's number of the answer; null for a message that belongs to none.</summary>
    public static long? Stream(IReadOnlyBasicProperties properties) => new MessageFields(properties).Number(MessageHeaders.Stream);

    public static long Sequence(IReadOnlyBasicProperties properties) =>
        MessageFields.Required(new MessageFields(properties).Number(MessageHeaders.Sequence), MessageHeaders.Sequence);

    public static long Credit(IReadOnlyBasicProperties properties) =>
        MessageFields.Required(new MessageFields(properties).Number(MessageHeaders.Credit), MessageHeaders.Credit);

    public static ErrorCode Why(IReadOnlyBasicProperties properties) =>
        ErrorCodes.Parse(MessageFields.Required(new MessageFields(properties).Text(MessageHeaders.Why), MessageHeaders.Why));

    private static Outgoing Mark(Outgoing reply, string type, long stream, long sequence)
    {
        reply.Properties.Type = type;
        reply.Properties.Headers![MessageHeaders.Stream] = stream;
        reply.Properties.Headers[MessageHeaders.Sequence] = sequence;
        return reply;
    }

    // A credit that nobody takes within a minute speaks of a worker that is gone.
    private static Outgoing ToWorker(string type, long stream, string name, object value) => new(
        new BasicProperties
        {
            Type = type,
            DeliveryMode = DeliveryModes.Transient,
            Expiration = 60_000.ToString(CultureInfo.InvariantCulture),
            Headers = new Dictionary<string, object?>(2) { [MessageHeaders.Stream] = stream, [name] = value },
        },
        default);
}
