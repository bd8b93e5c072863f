using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Packages;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Records of attempts that no worker can record: lost, poison, cancelled, expired. They cost nothing.</summary>
internal sealed class EndRecords(
    IFunctionStore functions, IPayloadStore payloads, IOptions<PriceTable> prices, IOptions<MessagingOptions> messaging, TimeProvider time)
{
    /// <summary>The record of an attempt that ends now. Looks up the revision, also of a deleted function.</summary>
    public async Task<AttemptRecord> MakeAsync(
        InvocationMessage message, InvocationState state, ErrorCode code, string text, CancellationToken cancellationToken)
    {
        var revision = await functions.FindRevisionAsync(message.FunctionId, message.Revision, cancellationToken);
        var record = Make(message, revision?.Manifest.Name ?? message.FunctionId.ToString(), revision?.Manifest.MemoryBytes ?? 0, state, code, text);
        if (revision?.Manifest.OnFailure is not { } destination)
        {
            return record;
        }

        ReadOnlyMemory<byte>? body = message.BodyIsStored ? await payloads.FindAsync(message.InvocationId, cancellationToken) : message.Body;
        return record with { OnFailure = destination, Event = body };
    }

    /// <summary>The record of an attempt that ends now.</summary>
    public AttemptRecord Make(InvocationMessage message, string functionName, long memoryBytes, InvocationState state, ErrorCode code, string text)
    {
        var now = time.GetUtcNow();
        var queue = now - message.DueAt;
        var timings = new InvocationTimings { Queue = queue < TimeSpan.Zero ? TimeSpan.Zero : queue };
        return new AttemptRecord
        {
            Message = message,
            FunctionName = functionName,
            MemoryBytes = memoryBytes,
            State = state,
            Error = new InvocationError { Code = code, Message = text },
            StartedAt = now,
            EndedAt = now,
            Timings = timings,
            WorkerId = messaging.Value.NodeId,

            // Whatever the code: a time that nobody measured is not billed.
            Bill = new Bill { BilledMilliseconds = 0, GigabyteSeconds = 0, Cost = 0, PriceVersion = prices.Value.Version },
        };
    }
}
