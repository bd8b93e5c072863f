using FaasCluster.Contracts.Functions;
using FaasCluster.Gateway.Dispatches.Callbacks;
using FaasCluster.Messaging.UserBrokers;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>What attributes cannot say about <see cref="DispatchOptions"/>. Addresses of brokers are not repeated: they hold passwords.</summary>
internal sealed class DispatchOptionsValidator(IConfiguration configuration) : IValidateOptions<DispatchOptions>
{
    public ValidateOptionsResult Validate(string? name, DispatchOptions options)
    {
        List<string> problems = [];
        foreach (var network in options.AllowedNetworks.Where(network => !AddressGuard.IsNetwork(network)))
        {
            problems.Add($"Destinations:AllowedNetworks holds '{network}', which is no network; expected an address and the length of its prefix, such as 10.1.0.0/16.");
        }

        if (options.LongestBackoff < options.FirstBackoff)
        {
            problems.Add($"Destinations:LongestBackoff is {options.LongestBackoff}, less than FirstBackoff of {options.FirstBackoff}.");
        }

        foreach (var (connection, settings) in options.Connections)
        {
            if (!ManifestReader.IsConnectionName(connection))
            {
                problems.Add($"Destinations:Connections:{connection} is no name that a manifest could use; expected 1 to 64 letters, digits, '-' and '_'.");
            }
            else if (UserBroker.Check(settings.Uri, configuration.GetConnectionString("RabbitMq")) is { } problem)
            {
                problems.Add($"Destinations:Connections:{connection}:Uri: {problem}");
            }
        }

        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
