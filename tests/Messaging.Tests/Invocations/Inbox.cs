using System.Threading.Channels;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Takes deliveries and keeps them until the test looks.</summary>
internal sealed class Inbox
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Channel<IDelivery> _deliveries = Channel.CreateUnbounded<IDelivery>();

    public int Count => _deliveries.Reader.Count;

    public ValueTask TakeAsync(IDelivery delivery) => _deliveries.Writer.WriteAsync(delivery);

    public async Task<IDelivery> NextAsync() => await _deliveries.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>
    /// That something does not come can only be seen by waiting; but not for a span of time: until something else has come that was sent
    /// later and took the same way.
    /// </summary>
    public void AssertEmpty() => Assert.Equal(0, Count);
}
