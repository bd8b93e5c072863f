using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>
/// What every broker promises to gateways and workers. The nodes are processes of their own where the broker allows more than
/// one, else all the same.
/// </summary>
public abstract partial class InvocationPathTests : IAsyncLifetime
{
    protected static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    protected static readonly TimeSpan RunLimit = TimeSpan.FromMinutes(3);

    private readonly List<MessagingNode> _nodes = [];

    /// <summary>A function of its own for each test.</summary>
    protected Guid Function { get; } = Guid.NewGuid();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            await node.DisposeAsync();
        }

        await EndAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts a node with settings of section "Messaging".</summary>
    protected abstract Task<MessagingNode> StartAsync(Dictionary<string, string?> settings);

    protected virtual ValueTask EndAsync() => ValueTask.CompletedTask;

    private protected async Task<MessagingNode> NodeAsync(params (string Name, string Value)[] settings)
    {
        // A disk that others use may take seconds for what is usually a millisecond.
        var all = settings.Append(("ConfirmTimeout", "00:01:00"));
        var node = await StartAsync(all.ToDictionary(setting => $"Messaging:{setting.Item1}", setting => (string?)setting.Item2));
        if (!_nodes.Contains(node))
        {
            _nodes.Add(node);
        }

        return node;
    }

    private protected static Task<CallOutcome> CallAsync(MessagingNode gateway, InvocationMessage message) =>
        gateway.Sender.CallAsync(message, RunLimit, CancellationToken.None).WaitAsync(Patience + Patience);

    private protected static Task<ErrorCode?> EnqueueAsync(MessagingNode gateway, InvocationMessage message) =>
        gateway.Sender.EnqueueAsync(message, CancellationToken.None).WaitAsync(Patience);

    private protected static async Task AnswerAsync(IDelivery delivery)
    {
        await delivery.AckAsync();
        await delivery.SendReplyAsync(Messages.Answer(delivery));
    }

    private protected static Task<ILaneSubscription> LaneAsync(MessagingNode worker, Guid function, Inbox inbox, int prefetch = 10) =>
        worker.Receiver.SubscribeLaneAsync(function, prefetch, inbox.TakeAsync, CancellationToken.None).WaitAsync(Patience);

    private protected static async Task<IColdSubscription> ColdAsync(MessagingNode worker, Inbox inbox, int room = 10)
    {
        var cold = await worker.Receiver.SubscribeColdAsync(inbox.TakeAsync, CancellationToken.None).WaitAsync(Patience);
        await cold.SetRoomAsync(room, CancellationToken.None).WaitAsync(Patience);
        return cold;
    }

    private protected static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await condition())
        {
            Assert.False(patience.IsCancellationRequested, $"After {Patience} still not: {what}");
            await Task.Delay(20);
        }
    }
}
