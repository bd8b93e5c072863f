using System.Threading.Channels;

namespace FaasCluster.Messaging.Tests.ControlBus;

/// <summary>Keeps what it hears.</summary>
public sealed class Ear<T> : IControlBusHandler<T>
    where T : class
{
    private readonly Channel<T> _heard = Channel.CreateUnbounded<T>();

    public Task HandleAsync(T message, CancellationToken cancellationToken)
    {
        _heard.Writer.TryWrite(message);
        return Task.CompletedTask;
    }

    public async Task<T> HearAsync(TimeSpan patience) => await _heard.Reader.ReadAsync().AsTask().WaitAsync(patience);
}
