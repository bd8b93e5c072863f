using MassTransit;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Messaging.ControlBus;

/// <summary>Hands a control message to every handler of this node; one that fails does not keep it from the others.</summary>
internal sealed class ControlBusConsumer<T>(IEnumerable<IControlBusHandler<T>> handlers, ILogger<ControlBusConsumer<T>> logger) : IConsumer<T>
    where T : class
{
    /// <inheritdoc/>
    public async Task Consume(ConsumeContext<T> context)
    {
        foreach (var handler in handlers)
        {
            try
            {
                await handler.HandleAsync(context.Message, context.CancellationToken);
            }
            catch (Exception exception) when (exception is not OperationCanceledException || !context.CancellationToken.IsCancellationRequested)
            {
                Log.HandlerFailed(logger, exception, handler.GetType().Name, typeof(T).Name);
            }
        }
    }
}
