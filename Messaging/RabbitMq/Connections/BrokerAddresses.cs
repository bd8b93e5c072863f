using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace FaasCluster.Messaging.RabbitMq.Connections;

/// <summary>The nodes of a broker: the same queues are reached by each.</summary>
internal sealed partial class BrokerAddresses
{
    private BrokerAddresses(IReadOnlyList<BrokerAddress> all) => All = all;

    /// <summary>One or more.</summary>
    public IReadOnlyList<BrokerAddress> All { get; }

    /// <summary>For people: without passwords.</summary>
    public override string ToString() => string.Join(" or ", All);

    /// <exception cref="FormatException">It is no list of AMQP URIs.</exception>
    public static BrokerAddresses Parse(string uris) => TryParse(uris, out var addresses, out var problem) ? addresses : throw new FormatException(problem);

    /// <summary>Reads URIs between which commas stand.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out BrokerAddresses? addresses, [NotNullWhen(false)] out string? problem)
    {
        addresses = null;
        problem = null;
        var all = new List<BrokerAddress>();
        foreach (var uri in Separator().Split(text))
        {
            if (!BrokerAddress.TryParse(uri, out var address, out problem))
            {
                return false;
            }

            all.Add(address);
        }

        if (all.Exists(address => (address.VirtualHost, address.User, address.Password, address.IsEncrypted) != (all[0].VirtualHost, all[0].User, all[0].Password, all[0].IsEncrypted)))
        {
            problem = $"The broker's addresses {string.Join(", ", all)} differ in more than host and port; nodes of one broker have the same users and virtual hosts.";
            return false;
        }

        addresses = new BrokerAddresses(all);
        return true;
    }

    // A password may hold a comma.
    [GeneratedRegex(@"\s*,\s*(?=amqps?://)")]
    private static partial Regex Separator();
}
