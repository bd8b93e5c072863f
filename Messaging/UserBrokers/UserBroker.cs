using System.Text;
using FaasCluster.Messaging.RabbitMq.Connections;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.UserBrokers;

/// <summary>
/// A broker that belongs to the users, not to this installation: nothing is declared there. The connection is made again whenever it is
/// lost; while there is none, publishing fails at once.
/// </summary>
public sealed class UserBroker : IAsyncDisposable
{
    // A channel for each publish: one to an exchange that is not there closes its channel, and would fail those beside it. The library's
    // limiter sleeps where a channel has one publish in its life.
    private static readonly CreateChannelOptions Confirming = new(
        publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true, outstandingPublisherConfirmationsRateLimiter: null);

    private readonly BrokerConnection connection;

    /// <param name="name">How the configuration calls it.</param>
    /// <param name="uri">Where it is, with commas between its nodes; <see cref="Check"/> found nothing wrong with it.</param>
    /// <param name="nodeId">Who connects; the broker shows it.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Where losses and recoveries are logged.</param>
    public UserBroker(string name, string uri, string nodeId, TimeProvider time, ILogger logger) => connection = new BrokerConnection(
        $"faas {nodeId} destinations {name}", BrokerAddresses.Parse(uri), (_, _) => Task.CompletedTask, time, logger, $"Destinations:Connections:{name}:Uri");

    /// <summary>What is wrong with the address of a users' broker; null if nothing is. Never repeats the address.</summary>
    /// <param name="uri">The address.</param>
    /// <param name="ownUri">That of the installation's own broker; null if it has none.</param>
    public static string? Check(string uri, string? ownUri)
    {
        if (!BrokerAddresses.TryParse(uri, out var addresses, out var problem))
        {
            return problem;
        }

        // Whoever deploys chooses exchanges and keys: in the installation's own virtual host they could forge its messages.
        return ownUri is not null && BrokerAddresses.TryParse(ownUri, out var own, out _) && own.All.Any(mine => addresses.All.Any(theirs => IsSame(mine, theirs)))
            ? $"It is the virtual host '{own.All[0].VirtualHost}' of ConnectionStrings:RabbitMq, which belongs to FaasCluster; give the users a virtual host of their own."
            : null;
    }

    /// <summary>Begins to connect.</summary>
    public void Start() => connection.Start();

    /// <summary>Publishes a persistent message and waits until a queue has it.</summary>
    /// <param name="message">The message.</param>
    /// <param name="cancellationToken">Ends the wait; the broker may have it nevertheless.</param>
    /// <returns>Null if a queue has it; else what is wrong and what to do.</returns>
    public async Task<string?> PublishAsync(UserMessage message, CancellationToken cancellationToken)
    {
        if (await connection.TryGetAsync(cancellationToken) is not { IsBlocked: false } link)
        {
            return connection.Problem ?? "The connection to the broker was lost in this moment.";
        }

        IChannel? channel = null;
        try
        {
            channel = await link.Connection.CreateChannelAsync(Confirming, cancellationToken);
            await channel.BasicPublishAsync(message.Exchange, message.RoutingKey, mandatory: true, PropertiesOf(message), message.Body, cancellationToken);
            return null;
        }
        catch (PublishReturnException)
        {
            return message.Exchange.Length == 0
                ? $"The broker has no queue '{message.RoutingKey}'; declare it."
                : $"No queue of the broker is bound to exchange '{message.Exchange}' for '{message.RoutingKey}'; bind one.";
        }
        catch (PublishException)
        {
            return "The broker refused the message: a queue is at its limit; consume from it, or raise its limit.";
        }
        catch (Exception exception) when (exception is OperationInterruptedException or AlreadyClosedException or BrokerUnreachableException or IOException or ObjectDisposedException)
        {
            // The broker's words, such as: NOT_FOUND - no exchange 'orders' in vhost 'shop'.
            var reason = (exception as OperationInterruptedException)?.ShutdownReason?.ReplyText ?? channel?.CloseReason?.ReplyText ?? exception.Message;
            return $"The broker did not take it: {reason}";
        }
        finally
        {
            // Not waited for: a broker that is short of memory does not answer the farewell of a channel either.
            _ = CloseAsync(channel);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static bool IsSame(BrokerAddress a, BrokerAddress b) =>
        string.Equals(a.Host, b.Host, StringComparison.OrdinalIgnoreCase) && a.Port == b.Port && a.VirtualHost == b.VirtualHost;

    private static BasicProperties PropertiesOf(UserMessage message) => new()
    {
        Persistent = true,
        MessageId = message.MessageId.ToString(),
        CorrelationId = message.CorrelationId.ToString(),
        ContentType = message.ContentType,
        AppId = "faascluster",
        Timestamp = new AmqpTimestamp(message.Timestamp.ToUnixTimeSeconds()),
        Headers = message.Headers.ToDictionary(header => header.Key, header => (object?)Encoding.UTF8.GetBytes(header.Value)),
    };

    private static async Task CloseAsync(IChannel? channel)
    {
        try
        {
            if (channel is not null)
            {
                await channel.DisposeAsync();
            }
        }
        catch (Exception)
        {
            // It is gone either way.
        }
    }
}
