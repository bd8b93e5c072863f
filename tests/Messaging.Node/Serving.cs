using System.Diagnostics;
using System.Text;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Node;

/// <summary>Serves a function; what it does with an invocation stands in the invocation's body.</summary>
internal static class Serving
{
    /// <summary>What is behind one that kills this process is not touched.</summary>
    private const int Prefetch = 1;

    public static async Task StartAsync(IInvocationReceiver receiver, Guid function, string workerId)
    {
        await receiver.SubscribeLaneAsync(function, Prefetch, delivery => TakeAsync(delivery, workerId), CancellationToken.None);
        Output.Say("ready");
    }

    private static async ValueTask TakeAsync(IDelivery delivery, string workerId)
    {
        var what = Encoding.UTF8.GetString(delivery.Message!.Body.Span);
        switch (what)
        {
            case "answer":
                await delivery.AckAsync();
                await delivery.SendReplyAsync(new InvocationReply
                {
                    InvocationId = delivery.Message.InvocationId,
                    Result = new InvocationResult(),
                    Timings = new InvocationTimings(),
                    WorkerId = workerId,
                });
                break;

            // Runs for ever, as far as the caller knows.
            case "start":
                await delivery.AckAsync();
                await delivery.SendStartedAsync();
                break;

            // Runs, and nobody knows.
            case "keep":
                await delivery.AckAsync();
                break;

            // Waits in this worker's hands.
            case "hold":
                break;

            case "die":
                Output.Say($"took {delivery.Message.InvocationId} {delivery.Redelivered}");
                Process.GetCurrentProcess().Kill();
                break;

            default:
                throw new ArgumentException($"'{what}' is nothing that this node does with an invocation; expected answer, start, keep, hold or die.");
        }

        Output.Say($"took {delivery.Message.InvocationId} {delivery.Redelivered}");
    }
}
