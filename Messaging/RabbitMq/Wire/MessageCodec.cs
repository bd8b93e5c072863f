using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>
/// Invocations as AMQP messages: everything about them in properties and header fields, the body is the event's bytes as
/// they are.
/// </summary>
internal static class MessageCodec
{
    // AMQP's short strings are at most 255 bytes; a character of UTF-16 takes up to three.
    private const int LongestProperty = 85;

    /// <summary>A synchronous invocation. It expires with its caller's patience.</summary>
    public static Outgoing WriteCall(InvocationMessage message, string replyTo, string correlationId, DateTimeOffset now, int refusals = 0, int streamWindow = 0)
    {
        var outgoing = Write(message, MessageHeaders.CallType, refusals);
        if (streamWindow > 0)
        {
            outgoing.Properties.Headers![MessageHeaders.Window] = streamWindow;
        }

        outgoing.Properties.DeliveryMode = DeliveryModes.Transient;
        outgoing.Properties.ReplyTo = replyTo;
        outgoing.Properties.CorrelationId = correlationId;
        outgoing.Properties.Expiration = Milliseconds(message.Deadline - now);
        return outgoing;
    }

    /// <summary>An asynchronous invocation. It is persistent and never expires: whoever takes it checks its age and records its end.</summary>
    public static Outgoing WriteEvent(InvocationMessage message, int refusals = 0)
    {
        var outgoing = Write(message, MessageHeaders.EventType, refusals);
        outgoing.Properties.DeliveryMode = DeliveryModes.Persistent;
        return outgoing;
    }

    /// <summary>A request to become warm for a function; it expires.</summary>
    public static Outgoing WriteWake(Guid functionId, TimeSpan expiration, int refusals = 0)
    {
        var fields = new Dictionary<string, object?>(2) { [MessageHeaders.Function] = functionId.ToString("N") };
        if (refusals > 0)
        {
            fields[MessageHeaders.Refusals] = refusals;
        }

        return new Outgoing(
            new BasicProperties
            {
                Type = MessageHeaders.WakeType,
                DeliveryMode = DeliveryModes.Transient,
                Expiration = Milliseconds(expiration),
                Headers = fields,
            },
            default);
    }

    /// <summary>Reads any of the three. The body is copied: the one that is given is valid only during a callback.</summary>
    public static bool TryRead(
        IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, [NotNullWhen(true)] out Incoming? incoming, [NotNullWhen(false)] out string? problem)
    {
        problem = null;
        try
        {
            incoming = Read(properties, body);
            return true;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            incoming = null;
            problem = exception.Message;
            return false;
        }
    }

    private static Outgoing Write(InvocationMessage message, string type, int refusals)
    {
        var fields = new Dictionary<string, object?>(12)
        {
            [MessageHeaders.Function] = message.FunctionId.ToString("N"),
            [MessageHeaders.Revision] = message.Revision,
            [MessageHeaders.Account] = message.AccountId,
            [MessageHeaders.Trigger] = message.Trigger.ToWire(),
            [MessageHeaders.AcceptedAt] = Ticks(message.AcceptedAt),
            [MessageHeaders.Deadline] = Ticks(message.Deadline),
        };
        if (message.Attempt != 1)
        {
            fields[MessageHeaders.Attempt] = message.Attempt;
        }

        if (message.Failures != 0)
        {
            fields[MessageHeaders.Failures] = message.Failures;
        }

        if (message.DueAt != message.AcceptedAt)
        {
            fields[MessageHeaders.DueAt] = Ticks(message.DueAt);
        }

        if (message.TraceParent is { } trace)
        {
            fields[MessageHeaders.TraceParent] = trace;
        }

        if (message.BodyIsStored)
        {
            fields[MessageHeaders.Stored] = true;
        }

        if (message.SuppressDestinations)
        {
            fields[MessageHeaders.SuppressDestinations] = true;
        }

        if (message.Depth != 0)
        {
            fields[MessageHeaders.Depth] = message.Depth;
        }

        if (message.CausedBy is { } cause)
        {
            fields[MessageHeaders.CausedBy] = cause.ToString("N");
        }

        if (message.Callback is { } callback)
        {
            fields[MessageHeaders.Callback] = callback.AbsoluteUri;
        }

        if (message.KeepsAnswer)
        {
            fields[MessageHeaders.KeepsAnswer] = true;
        }

        if (refusals > 0)
        {
            fields[MessageHeaders.Refusals] = refusals;
        }

        var properties = new BasicProperties { Type = type, MessageId = message.InvocationId.ToString("N"), Headers = fields };
        if (message.ContentType is { Length: <= LongestProperty } shortOne)
        {
            properties.ContentType = shortOne;
        }
        else if (message.ContentType is { } longOne)
        {
            fields[MessageHeaders.ContentType] = longOne;
        }

        var body = message.Http is { } http
            ? MessageFields.WriteDocument(fields, MessageHeaders.Http, JsonSerializer.SerializeToUtf8Bytes(ToDocument(http), WireJson.Compact.HttpDocument), message.Body)
            : message.Body;
        return new Outgoing(properties, body);
    }

    private static Incoming Read(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        var fields = new MessageFields(properties);
        var functionId = fields.Id(MessageHeaders.Function);
        var refusals = (int)(fields.Number(MessageHeaders.Refusals) ?? 0);
        if (properties.Type == MessageHeaders.WakeType)
        {
            return new Incoming { FunctionId = functionId, Refusals = refusals };
        }

        var kind = properties.Type switch
        {
            MessageHeaders.CallType => InvocationKind.Synchronous,
            MessageHeaders.EventType => InvocationKind.Asynchronous,
            _ => throw new FormatException($"The message's type is '{properties.Type}'; expected call, event or wake."),
        };
        if (!Guid.TryParseExact(properties.MessageId, "N", out var invocationId))
        {
            throw new FormatException($"The message-id is '{properties.MessageId}'; expected 32 hexadecimal digits.");
        }

        var document = fields.ReadDocument(MessageHeaders.Http, ref body);
        var acceptedAt = MessageFields.Required(fields.Instant(MessageHeaders.AcceptedAt), MessageHeaders.AcceptedAt);
        var message = new InvocationMessage
        {
            InvocationId = invocationId,
            FunctionId = functionId,
            Revision = checked((int)MessageFields.Required(fields.Number(MessageHeaders.Revision), MessageHeaders.Revision)),
            AccountId = MessageFields.Required(fields.Text(MessageHeaders.Account), MessageHeaders.Account),
            Attempt = checked((int)(fields.Number(MessageHeaders.Attempt) ?? 1)),
            Failures = checked((int)(fields.Number(MessageHeaders.Failures) ?? 0)),
            Kind = kind,
            Trigger = InvocationKinds.ParseTrigger(MessageFields.Required(fields.Text(MessageHeaders.Trigger), MessageHeaders.Trigger)),
            AcceptedAt = acceptedAt,
            DueAt = fields.Instant(MessageHeaders.DueAt) ?? acceptedAt,
            Deadline = MessageFields.Required(fields.Instant(MessageHeaders.Deadline), MessageHeaders.Deadline),
            TraceParent = fields.Text(MessageHeaders.TraceParent),
            ContentType = properties.ContentType ?? fields.Text(MessageHeaders.ContentType),
            Http = document is null ? null : ToEvent(document),
            BodyIsStored = fields.Flag(MessageHeaders.Stored),
            SuppressDestinations = fields.Flag(MessageHeaders.SuppressDestinations),
            Depth = checked((int)(fields.Number(MessageHeaders.Depth) ?? 0)),
            CausedBy = fields.Text(MessageHeaders.CausedBy) is null ? null : fields.Id(MessageHeaders.CausedBy),
            Callback = fields.Text(MessageHeaders.Callback) is { } callback ? new Uri(callback, UriKind.Absolute) : null,
            KeepsAnswer = fields.Flag(MessageHeaders.KeepsAnswer),
            Body = body.ToArray(),
        };
        return new Incoming
        {
            FunctionId = functionId,
            Message = message,
            ReplyTo = kind == InvocationKind.Synchronous ? properties.ReplyTo : null,
            CorrelationId = properties.CorrelationId,
            StreamWindow = checked((int)(fields.Number(MessageHeaders.Window) ?? 0)),
            Refusals = refusals,
        };
    }

    private static HttpDocument ToDocument(HttpEvent http) => new()
    {
        Method = http.Method,
        Path = http.Path,
        Query = http.Query.Length == 0 ? null : http.Query,
        Headers = HeaderPairs.Flatten(http.Headers),
        SourceIp = http.SourceIp,
        Protocol = http.Protocol,
        Scheme = http.Scheme,
        Host = http.Host,
        PathBase = http.PathBase,
    };

    private static HttpEvent ToEvent(byte[] document)
    {
        var http = JsonSerializer.Deserialize(document, WireJson.Compact.HttpDocument) ?? throw new FormatException($"The field {MessageHeaders.Http} is null.");
        return new HttpEvent
        {
            Method = http.Method,
            Path = http.Path,
            Query = http.Query ?? "",
            Headers = HeaderPairs.Pair(http.Headers),
            SourceIp = http.SourceIp ?? "",
            Protocol = http.Protocol ?? "",
            Scheme = http.Scheme ?? "",
            Host = http.Host ?? "",
            PathBase = http.PathBase ?? "",
        };
    }

    private static long Ticks(DateTimeOffset instant) => (instant - DateTimeOffset.UnixEpoch).Ticks;

    // Never 0: that would expire before a waiting consumer could take it. RabbitMQ's limit is that of an Erlang timer, 2^32 - 1.
    private static string Milliseconds(TimeSpan span) =>
        ((long)Math.Clamp(Math.Ceiling(span.TotalMilliseconds), 1, uint.MaxValue - 1)).ToString(CultureInfo.InvariantCulture);
}
