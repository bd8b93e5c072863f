using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Lanes;

/// <summary>Gets sandboxes for lanes: memory first, then the sandbox with the revision in it.</summary>
internal sealed class SlotStarter(LaneServices services)
{
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

            return await services.ReserveAsync(revision.Manifest.MemoryBytes, lane) ? await StartAsync(revision) : SlotStart.Later(revision);
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

    private async Task<SlotStart> StartAsync(FunctionRevision revision)
    {
        var reserved = revision.Manifest.MemoryBytes;
        try
        {
            var log = new StartLog(services.Time);
            var start = await services.Sandboxes.StartAsync(revision, log, services.Killed);
            if (start.Sandbox is null)
            {
                return SlotStart.Failed(
                    revision,
                    waiting => services.Executor.FailStartAsync(
                        revision, waiting.Delivery, waiting.Message, start, new ExecutionLog(waiting.Message, services.Time, log)));
            }

            var slot = new Slot(start.Sandbox, reserved, start, log);
            reserved = 0;
            return SlotStart.Started(revision, slot);
        }
        finally
        {
            services.Release(reserved);
        }
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
