using FaasCluster.Contracts.Bus;
using FaasCluster.Messaging;

namespace FaasCluster.Worker.Lanes;

/// <summary>A lane's place at its function's queues: taken once the function is warm here, left when the lane closes.</summary>
internal sealed class LaneConsumer(Guid functionId, LaneServices services, Func<IDelivery, ValueTask> onDelivery)
{
    private readonly SemaphoreSlim changing = new(1);
    private ILaneSubscription? subscription;
    private (int Calls, int Events) prefetch = (1, 1);
    private bool left;

    /// <summary>True while the queues are consumed.</summary>
    public bool IsConsuming => subscription is not null;

    /// <summary>Starts to consume, if it is not done yet.</summary>
    public async Task JoinAsync()
    {
        await changing.WaitAsync(services.Killed);
        try
        {
            if (subscription is null && !left)
            {
                subscription = await services.Receiver.SubscribeLaneAsync(functionId, 1, onDelivery, services.Killed);
                await services.Bus.PublishAsync(new FunctionWarmed { FunctionId = functionId, WorkerId = services.WorkerId }, services.Killed);
            }
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Changes how many deliveries may be unsettled.</summary>
    public async Task SetPrefetchAsync((int Calls, int Events) wanted)
    {
        if (subscription is null || wanted == prefetch || !await changing.WaitAsync(0))
        {
            return;
        }

        try
        {
            if (!left)
            {
                prefetch = wanted;
                await subscription.SetPrefetchAsync(wanted.Calls, wanted.Events, services.Killed);
            }
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Takes no more deliveries, for good; those that came can still be settled.</summary>
    public async Task StopAsync()
    {
        await changing.WaitAsync(CancellationToken.None);
        try
        {
            left = true;
            if (subscription is not null)
            {
                await subscription.StopAsync(CancellationToken.None);
                await services.Bus.PublishAsync(new FunctionCooled { FunctionId = functionId, WorkerId = services.WorkerId }, CancellationToken.None);
            }
        }
        finally
        {
            changing.Release();
        }
    }

    /// <summary>Leaves the queues; what was not settled goes back to the broker. After <see cref="StopAsync"/>.</summary>
    public async Task LeaveAsync()
    {
        if (subscription is not null)
        {
            await subscription.DisposeAsync();
            subscription = null;
        }
    }
}
