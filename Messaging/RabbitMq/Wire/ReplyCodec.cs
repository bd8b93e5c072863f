using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>Answers as AMQP messages: the body is the result's bytes as they are.</summary>
internal static class ReplyCodec
{
    public static Outgoing Write(InvocationReply reply, string correlationId)
    {
        var document = new ReplyDocument
        {
            Status = reply.Result?.HttpStatus,
            Headers = reply.Result is { Headers.Count: > 0 } result ? HeaderPairs.Flatten(result.Headers) : null,
            ContentType = reply.Result?.ContentType,
            Error = reply.Error is { } error
                ? new ErrorDocument { Code = error.Code.ToWire(), Type = error.Type, Message = error.Message, Stack = error.StackTrace.Count == 0 ? null : [.. error.StackTrace] }
                : null,
            Durations = [reply.Timings.Queue.Ticks, reply.Timings.Start.Ticks, reply.Timings.Init.Ticks, reply.Timings.Run.Ticks],
            ColdStart = reply.ColdStart,
            Billed = reply.BilledMilliseconds,
            Unrecorded = !reply.Recorded,
        };
        var fields = new Dictionary<string, object?>(1);
        var body = MessageFields.WriteDocument(
            fields, MessageHeaders.Reply, JsonSerializer.SerializeToUtf8Bytes(document, WireJson.Compact.ReplyDocument), reply.Result?.Body ?? default);
        return new Outgoing(
            new BasicProperties
            {
                Type = MessageHeaders.ReplyType,
                DeliveryMode = DeliveryModes.Transient,
                MessageId = reply.InvocationId.ToString("N"),
                CorrelationId = correlationId,
                AppId = reply.WorkerId,
                Headers = fields,
            },
            body);
    }

    /// <summary>The notice that a run started on a worker.</summary>
    public static BasicProperties WriteStarted(string workerId, string correlationId) => new()
    {
        Type = MessageHeaders.StartedType,
        DeliveryMode = DeliveryModes.Transient,
        CorrelationId = correlationId,
        AppId = workerId,
    };

    /// <summary>Reads an answer; the body is copied.</summary>
    public static bool TryRead(
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, [NotNullWhen(true)] out InvocationReply? reply, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        try
        {
            reply = Read(properties, body);
            return true;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            reply = null;
            problem = exception.Message;
            return false;
        }
    }

    private static InvocationReply Read(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var bytes = MessageFields.Required(new MessageFields(properties).ReadDocument(MessageHeaders.Reply, ref body), MessageHeaders.Reply);
        var document = JsonSerializer.Deserialize(bytes, WireJson.Compact.ReplyDocument) ?? throw new FormatException($"The field {MessageHeaders.Reply} is null.");
        if (document.Durations.Length != 4)
        {
            throw new FormatException($"An answer has {document.Durations.Length} durations; expected 4.");
        }

        return new InvocationReply
        {
            InvocationId = Guid.ParseExact(properties.MessageId ?? "", "N"),
            Result = document.ContentType is null
                ? null
                : new InvocationResult { HttpStatus = document.Status, Headers = HeaderPairs.Pair(document.Headers), ContentType = document.ContentType, Body = body.ToArray() },
            Error = document.Error is not { } error
                ? null
                : new InvocationError { Code = ErrorCodes.Parse(error.Code), Type = error.Type, Message = error.Message, StackTrace = error.Stack ?? [] },
            Timings = new InvocationTimings
            {
                Queue = new TimeSpan(document.Durations[0]),
                Start = new TimeSpan(document.Durations[1]),
                Init = new TimeSpan(document.Durations[2]),
                Run = new TimeSpan(document.Durations[3]),
            },
            ColdStart = document.ColdStart,
            BilledMilliseconds = document.Billed,
            Recorded = !document.Unrecorded,
            WorkerId = properties.AppId ?? "",
        };
    }
}
