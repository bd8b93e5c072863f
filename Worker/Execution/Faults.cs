#if FAULTS
using FaasCluster.Messaging;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Deliberate mistakes, compiled in only by <c>-p:Faults=true</c>: a test that shows what a promise rests on builds a worker
/// with them and must see it broken.
/// </summary>
internal static class Faults
{
    private static readonly bool AcknowledgeFirst = Environment.GetEnvironmentVariable("FAAS_FAULT") == "acknowledge-first";

    /// <summary>Acknowledges before the commit, and leaves time for a kill between the two.</summary>
    public static async Task BeforeCommitAsync(IDelivery delivery, TimeProvider time)
    {
        if (AcknowledgeFirst)
        {
            await delivery.AckAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(200), time);
        }
    }
}
#endif
