using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;
using FaasCluster.Worker.Concurrency;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Lanes;

/// <summary>Gets sandboxes for lanes: memory first, then the sandbox with the revision in it.</summary>
internal sealed class SlotStarter(LaneServices services)
{
    private static readonly InvocationError Throttled = new()
    {
        Code = ErrorCode.Throttled,
        Message = "As many invocations of the function run at once as its limit ('concurrency' in function.yaml) allows; try again, raise the limit, or call with 'Prefer: respond-async' to wait in the queue.",
    };

    /// <summary>Gets one. What goes wrong is a value.</summary>
    public async Task<SlotStart> StartAsync(Guid functionId, int number, Lane lane)
    {
        try
        {
            if (await services.Revisions.FindAsync(functionId, number, services.Killed) is not { } revision)
            {
                var error = new InvocationError { Code = ErrorCode.NotFound, Message = "There is no such revision." };
                return SlotStart.Failed(null, waiting => services.Executor.RefuseAsync(waiting.Delivery, waiting.Message, error));
            }

            if (!services.CanRun(revision))
            {
                return SlotStart.Failed(revision, waiting => RefuseAsync(waiting, revision));
            }

            return await StartAsync(revision, lane);
        }
        catch (StoreUnavailableException exception)
        {
            Log.StoreAway(services.Logger, exception, functionId);
            return SlotStart.Later(null);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            Log.StartFailed(services.Logger, exception, functionId);
            return SlotStart.Failed(null, GiveUpAsync);
        }
    }

    /// <summary>Answers calls that found no slot of a function at its concurrency limit.</summary>
    public async Task ThrottleAsync(IEnumerable<WaitingDelivery> calls)
    {
        foreach (var call in calls)
        {
            services.Metrics.Throttled();
            await services.Executor.RefuseAsync(call.Delivery, call.Message, Throttled);
        }
    }

    /// <summary>Ends a delivery that this worker failed at.</summary>
    public async Task GiveUpAsync(WaitingDelivery failed)
    {
        if (failed.IsSynchronous)
        {
            var error = new InvocationError { Code = ErrorCode.Internal, Message = "The worker failed; its log says how." };
            await services.Executor.RefuseAsync(failed.Delivery, failed.Message, error);
            return;
        }

        // It comes again, here or elsewhere, and becomes a dead letter if it fails so every time.
        await failed.Delivery.ReturnAsync();
    }

    private async Task<SlotStart> StartAsync(FunctionRevision revision, Lane lane)
    {
        // The newest revision's limit holds for the sandboxes of all.
        var limiting = lane.NewestRevision > revision.Revision
            ? await services.Revisions.FindAsync(revision.FunctionId, lane.NewestRevision, services.Killed) ?? revision
            : revision;
        SlotLease? lease = null;
        if (limiting.Manifest.Concurrency is { } limit)
        {
            lease = await TakeSlotAsync(revision.FunctionId, limit, lane);
            if (lease is null)
            {
                return SlotStart.Later(revision);
            }
        }

        var reserved = 0L;
        try
        {
            if (!await services.ReserveAsync(revision.Manifest.MemoryBytes, lane))
            {
                return SlotStart.Later(revision);
            }

            reserved = revision.Manifest.MemoryBytes;
            var log = new StartLog(services.Time);
            using var stop = lease is null ? null : CancellationTokenSource.CreateLinkedTokenSource(services.Killed, lease.Lost);
            var start = await services.Sandboxes.StartAsync(revision, log, stop?.Token ?? services.Killed);
            if (start.Sandbox is null)
            {
                return SlotStart.Failed(
                    revision,
                    waiting => services.Executor.FailStartAsync(
                        revision, waiting.Delivery, waiting.Message, start, new ExecutionLog(waiting.Message, services.Time, log)),
                    start.Error);
            }

            var slot = new Slot(start.Sandbox, reserved, start, log, limiting.Revision, lease);
            reserved = 0;
            lease = null;
            return SlotStart.Started(revision, slot);
        }
        catch (OperationCanceledException) when (lease is { IsLost: true } && !services.Killed.IsCancellationRequested)
        {
            // Loading runs the function's code as well.
            return SlotStart.Later(revision);
        }
        finally
        {
            services.Release(reserved);
            if (lease is not null)
            {
                await lease.ReleaseAsync();
            }
        }
    }

    // At the limit an idle sandbox of another revision makes room for the one that is wanted, which is tried again soon.
    private async Task<SlotLease?> TakeSlotAsync(Guid functionId, int limit, Lane lane)
    {
        if (!services.Leases.MayAsk(functionId))
        {
            return null;
        }

        var lease = await services.Leases.TryTakeAsync(functionId, limit, services.Killed);
        if (lease is null)
        {
            await lane.EvictAsync(isForced: true);
        }

        return lease;
    }

    private async Task RefuseAsync(WaitingDelivery waiting, FunctionRevision revision)
    {
        if (waiting.IsSynchronous && waiting.Delivery.Refusals < services.MostRefusals)
        {
            await waiting.Delivery.ReturnAsync(refused: true);
            return;
        }

        var error = new InvocationError
        {
            Code = ErrorCode.NoCapacity,
            Message = $"No worker can run {revision.Manifest.Name}: it needs {revision.Manifest.MemoryBytes >> 20} MB and runtime {revision.Manifest.Runtime}.",
        };
        if (waiting.IsSynchronous)
        {
            await services.Executor.RefuseAsync(waiting.Delivery, waiting.Message, error);
            return;
        }

        // Given back it would come again at once; recorded it comes again after a pause, perhaps elsewhere.
        var nothing = new SandboxStart { Error = error, Start = TimeSpan.Zero, Init = TimeSpan.Zero };
        await services.Executor.FailStartAsync(revision, waiting.Delivery, waiting.Message, nothing, new ExecutionLog(waiting.Message, services.Time));
    }
}
