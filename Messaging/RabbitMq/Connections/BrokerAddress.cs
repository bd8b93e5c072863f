using System.Diagnostics.CodeAnalysis;

namespace FaasCluster.Messaging.RabbitMq.Connections;

/// <summary>Where the broker is and as whom to log in: an amqp or amqps URI, taken apart.</summary>
internal sealed record BrokerAddress
{
    public const string Expected = "expected amqp://user:password@host:port/vhost, or amqps:// for TLS, with special characters percent-encoded";

    public required string Host { get; init; }

    public required ushort Port { get; init; }

    public required string VirtualHost { get; init; }

    public required string User { get; init; }

    public required string Password { get; init; }

    public bool IsEncrypted { get; init; }

    /// <summary>For people: without the password.</summary>
    public override string ToString() => $"{(IsEncrypted ? "amqps" : "amqp")}://{Host}:{Port}/{Uri.EscapeDataString(VirtualHost)}";

    /// <exception cref="FormatException">It is no such URI.</exception>
    public static BrokerAddress Parse(string uri) => TryParse(uri, out var address, out var problem) ? address : throw new FormatException(problem);

    /// <summary>The problem never repeats the text: it holds a password.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out BrokerAddress? address, [NotNullWhen(false)] out string? problem)
    {
        address = null;
        problem = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("amqp" or "amqps") || uri.Host.Length == 0)
        {
            problem = $"The broker's address is no AMQP URI; {Expected}.";
            return false;
        }

        var path = uri.AbsolutePath.TrimStart('/');
        var login = uri.UserInfo.Split(':', 2);
        if (path.Contains('/'))
        {
            problem = $"The virtual host '{path}' in the broker's address holds a '/'; write it as %2F.";
            return false;
        }

        if (login.Length != 2 || login[0].Length == 0)
        {
            problem = $"The broker's address {uri.Scheme}://{uri.Authority.Split('@')[^1]} names no user and password; {Expected}.";
            return false;
        }

        var isEncrypted = uri.Scheme == "amqps";
        address = new BrokerAddress
        {
            Host = uri.DnsSafeHost,
            Port = (ushort)(uri.Port > 0 ? uri.Port : isEncrypted ? 5671 : 5672),
            VirtualHost = path.Length == 0 ? "/" : Uri.UnescapeDataString(path),
            User = Uri.UnescapeDataString(login[0]),
            Password = Uri.UnescapeDataString(login[1]),
            IsEncrypted = isEncrypted,
        };
        return true;
    }
}
