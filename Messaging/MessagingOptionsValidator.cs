using FaasCluster.Messaging.RabbitMq.Connections;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging;

/// <summary>What attributes cannot say about <see cref="MessagingOptions"/>.</summary>
internal sealed class MessagingOptionsValidator : IValidateOptions<MessagingOptions>
{
    public ValidateOptionsResult Validate(string? name, MessagingOptions options)
    {
        if (options.BrokerUri is { } uri)
        {
            return BrokerAddresses.TryParse(uri, out _, out var problem)
                ? ValidateOptionsResult.Success
                : ValidateOptionsResult.Fail($"ConnectionStrings:RabbitMq: {problem}");
        }

        return string.IsNullOrEmpty(options.DataDirectory)
            ? ValidateOptionsResult.Fail("Neither ConnectionStrings:RabbitMq nor Data:Directory is set; set the first for a cluster or the second for one machine.")
            : ValidateOptionsResult.Success;
    }
}
