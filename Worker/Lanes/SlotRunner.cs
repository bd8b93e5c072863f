using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Lanes;

/// <summary>Runs one delivery in a slot.</summary>
internal sealed class SlotRunner(LaneServices services, SlotStarter starter)
{
    /// <summary>Runs it. What goes wrong is a value.</summary>
    /// <param name="slot">The slot.</param>
    /// <param name="delivery">What to run.</param>
    /// <param name="settle">Told what settles the delivery, which may go on after the run.</param>
    public async Task<SlotRun> RunAsync(Slot slot, WaitingDelivery delivery, Action<Task> settle)
    {
        try
        {
            await services.Executor.WhenStoreKeepsUpAsync(services.Killed);
            if (!await slot.WhenItMayRunAsync(services.Time, services.Killed))
            {
                return new SlotRun(IsUsable: false, IsWaiting: true, null);
            }

            if (!await services.Admission.AdmitAsync(delivery.Delivery, delivery.Message, services.Killed))
            {
                return new SlotRun(slot.Sandbox.IsUsable, IsWaiting: false, null);
            }

            var log = new ExecutionLog(delivery.Message, services.Time, slot.TakeStartLog());
            var execution = await services.Executor.RunAsync(
                slot.Sandbox, delivery.Delivery, delivery.Message, slot.TakeColdStart(), log, settle, slot.Lost, services.Killed);
            return new SlotRun(await slot.Sandbox.SettleAsync(services.Killed), IsWaiting: false, execution);
        }
        catch (OperationCanceledException) when (services.Killed.IsCancellationRequested)
        {
            return new SlotRun(IsUsable: false, IsWaiting: false, null);
        }
        catch (Exception exception)
        {
            Log.RunFailed(services.Logger, exception, delivery.Message.InvocationId, delivery.Message.Attempt);
            await starter.GiveUpAsync(delivery);
            return new SlotRun(IsUsable: false, IsWaiting: false, null);
        }
    }
}

/// <summary>What came of it.</summary>
/// <param name="IsUsable">False if the sandbox must not be used again.</param>
/// <param name="IsWaiting">True if the delivery did not run and waits for another slot.</param>
/// <param name="Execution">The run; null if there was none.</param>
internal readonly record struct SlotRun(bool IsUsable, bool IsWaiting, ExecutionOutcome? Execution);
