using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace FaasCluster.Messaging.RabbitMq.Connections;

/// <summary>One channel while it lives; like its link it is never repaired.</summary>
internal sealed class LiveChannel : IAsyncDisposable
{
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    private readonly TaskCompletionSource<ShutdownEventArgs> closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource closing = new();

    private LiveChannel(BrokerLink link, IChannel channel)
    {
        Link = link;
        Channel = channel;
        channel.ChannelShutdownAsync += OnShutdownAsync;
    }

    public BrokerLink Link { get; }

    public IChannel Channel { get; }

    public bool IsOpen => Channel.IsOpen && Link.IsOpen;

    /// <summary>Ends when the channel or its connection is gone.</summary>
    public Task<ShutdownEventArgs> Closed => closed.Task;

    /// <summary>Cancelled when the channel or its connection is gone.</summary>
    public CancellationToken Gone => closing.Token;

    public static async Task<LiveChannel> OpenAsync(BrokerLink link, CreateChannelOptions options, CancellationToken cancellationToken) =>
        new(link, await link.Connection.CreateChannelAsync(options, cancellationToken));

    public async ValueTask DisposeAsync()
    {
        try
        {
            // Waiting is bounded: a broker that is short of memory does not even answer a farewell.
            await Channel.DisposeAsync().AsTask().WaitAsync(ClosePatience);
        }
        catch (Exception)
        {
            // It is gone either way.
        }

        closed.TrySetResult(Channel.CloseReason ?? new ShutdownEventArgs(ShutdownInitiator.Application, 200, "Goodbye"));
        await closing.CancelAsync();
    }

    // Runs on the connection's receiving loop: nothing here may wait, and what it releases must run elsewhere.
    private Task OnShutdownAsync(object sender, ShutdownEventArgs reason)
    {
        closed.TrySetResult(reason);
        _ = closing.CancelAsync();
        return Task.CompletedTask;
    }
}
