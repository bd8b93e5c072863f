using System.Text;
using FaasCluster.Contracts.Topology;
using RabbitMQ.Client;

namespace FaasCluster.Messaging.RabbitMq.Wire;

/// <summary>Reads AMQP header fields. Strings arrive as bytes, and a foreign publisher may have sent any type.</summary>
internal readonly struct MessageFields(IReadOnlyBasicProperties properties)
{
    // A content header is one frame of at most 128 kB on RabbitMQ, and other fields need room too.
    private const int LongestDocument = 64 << 10;

    private readonly IDictionary<string, object?>? fields = properties.Headers;

    /// <summary>Puts a document into a header, or behind the body if it is too long for one.</summary>
    public static ReadOnlyMemory<byte> WriteDocument(IDictionary<string, object?> fields, string name, byte[] document, ReadOnlyMemory<byte> body)
    {
        if (document.Length <= LongestDocument)
        {
            fields[name] = document;
            return body;
        }

        fields[MessageHeaders.Tail] = document.Length;
        var both = new byte[body.Length + document.Length];
        body.CopyTo(both);
        document.CopyTo(both, body.Length);
        return both;
    }

    /// <summary>Gets a document from its header or from behind the body, and shortens the body by it; null if there is none.</summary>
    public byte[]? ReadDocument(string name, ref ReadOnlyMemory<byte> body)
    {
        var tail = Number(MessageHeaders.Tail);
        if (tail is null)
        {
            return Value(name) as byte[];
        }

        if (tail < 0 || tail > body.Length)
        {
            throw new FormatException($"The field {MessageHeaders.Tail} is {tail}; expected 0 to {body.Length}, the length of the body.");
        }

        var document = body[^(int)tail.Value..].ToArray();
        body = body[..^(int)tail.Value];
        return document;
    }

    public string? Text(string name) => Value(name) switch
    {
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        string text => text,
        null => null,
        var other => throw new FormatException($"The field {name} is a {other.GetType().Name}; expected text."),
    };

    public long? Number(string name) => Value(name) switch
    {
        long number => number,
        int number => number,
        short number => number,
        byte number => number,
        null => null,
        var other => throw new FormatException($"The field {name} is a {other.GetType().Name}; expected a number."),
    };

    public Guid Id(string name) => Guid.TryParseExact(Text(name), "N", out var id)
        ? id
        : throw new FormatException($"The field {name} is '{Text(name)}'; expected 32 hexadecimal digits.");

    public DateTimeOffset? Instant(string name) => Number(name) is { } ticks
        ? DateTimeOffset.UnixEpoch.AddTicks(ticks)
        : null;

    public bool Flag(string name) => Value(name) is true;

    /// <exception cref="FormatException">It is missing.</exception>
    public static T Required<T>(T? value, string name)
        where T : struct => value ?? throw Missing(name);

    /// <exception cref="FormatException">It is missing.</exception>
    public static T Required<T>(T? value, string name)
        where T : class => value ?? throw Missing(name);

    private object? Value(string name) => fields is not null && fields.TryGetValue(name, out var value) ? value : null;

    private static FormatException Missing(string name) => new($"The field {name} is missing.");
}
