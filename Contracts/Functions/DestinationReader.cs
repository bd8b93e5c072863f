namespace FaasCluster.Contracts.Functions;

/// <summary>Reads onSuccess and onFailure.</summary>
internal static class DestinationReader
{
    // 255 bytes are AMQP's limit, and a character may take two of them where people write names.
    private const int LongestName = 127;

    // The platform's own exchanges and queues: what is told to them would be taken for invocations, if somebody configured its broker.
    private const string ReservedPrefix = "faas.";

    public static Destination? Read(ManifestFields fields, string key)
    {
        if (fields.Section(key) is not { } section)
        {
            return null;
        }

        section.RefuseUnknown(["function", "queue", "exchange", "routingKey", "connection"], []);
        var function = section.Text("function");
        var queue = section.Text("queue");
        var exchange = section.Text("exchange");
        var routingKey = section.Text("routingKey", allowEmpty: true);
        var connection = section.Text("connection");
        if (new[] { function, queue, exchange }.Count(receiver => receiver is not null) != 1)
        {
            fields.Error(key, "must name one receiver; expected 'function: NAME', 'queue: NAME', or 'exchange: NAME' with 'routingKey: KEY'.");
            return null;
        }

        if (function is not null && !ManifestReader.IsFunctionName(function))
        {
            section.Error("function", $"'{ManifestReader.Shorten(function)}' is no function name; expected 1 to 64 of a-z, 0-9 and '-', starting with a letter and ending with a letter or digit.");
        }

        if (routingKey is not null && exchange is null)
        {
            section.Error("routingKey", "belongs to an exchange; remove it, or name an exchange.");
        }

        if (connection is not null && function is not null)
        {
            section.Error("connection", "belongs to a queue or an exchange; remove it.");
        }
        else if (connection is not null && !ManifestReader.IsConnectionName(connection))
        {
            section.Error("connection", $"'{ManifestReader.Shorten(connection)}' is no name of a connection; expected 1 to 64 letters, digits, '-' and '_', as under Destinations:Connections in the gateways' configuration. Addresses do not belong into a manifest.");
        }

        CheckName(section, "queue", queue, mayBeReserved: false);
        CheckName(section, "exchange", exchange, mayBeReserved: false);
        CheckName(section, "routingKey", routingKey, mayBeReserved: true);
        return function is not null
            ? new Destination { Function = function }
            : new Destination { Connection = connection ?? Destination.DefaultConnection, Exchange = exchange ?? "", RoutingKey = queue ?? routingKey ?? "" };
    }

    private static void CheckName(ManifestFields section, string key, string? value, bool mayBeReserved)
    {
        if (value?.Length > LongestName)
        {
            section.Error(key, $"has {value.Length} characters; at most {LongestName} are allowed.");
        }
        else if (value is not null && !mayBeReserved && value.StartsWith(ReservedPrefix, StringComparison.Ordinal))
        {
            section.Error(key, $"'{ManifestReader.Shorten(value)}' begins with '{ReservedPrefix}', which is reserved for FaasCluster's own; choose another name.");
        }
    }
}
