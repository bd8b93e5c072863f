namespace FaasCluster.Messaging;

/// <summary>The bus for everything that is not the invocation path. Each node hears each message.</summary>
public interface IControlBus
{
    /// <summary>Tells every node. Hints: whoever needs certainty asks the store. Never throws for a broker that is away.</summary>
    Task PublishAsync<T>(T message, CancellationToken cancellationToken)
        where T : class;
}

/// <summary>Hears one kind of control message on this node; register any number as singletons.</summary>
/// <typeparam name="T">The message.</typeparam>
public interface IControlBusHandler<in T>
    where T : class
{
    /// <summary>Handles one message. Order is not promised, nor is once.</summary>
    Task HandleAsync(T message, CancellationToken cancellationToken);
}
