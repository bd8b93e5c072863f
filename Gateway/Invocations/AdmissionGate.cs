using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Problems;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Bounds what callers can make the gateway hold in memory: beyond that they are told to come again, not served slower and slower.</summary>
internal sealed class AdmissionGate(IOptions<GatewayOptions> options)
{
    private readonly long mostCalls = options.Value.ConcurrentCalls;
    private readonly long mostBytes = options.Value.BodyMemoryBytes;
    private long calls;
    private long bytes;

    public static ProblemAnswer Refusal { get; } =
        ProblemAnswer.For(ErrorCode.Throttled, "This gateway answers as many invocations as it may at a time; try again, or add gateways.");

    /// <summary>Takes a place for a request whose body may have up to <paramref name="limit"/> bytes. Dispose it after the answer.</summary>
    public Place TryEnter(HttpRequest request, long limit)
    {
        // A body of unknown length may become as long as the limit; one beyond the limit is never read.
        var size = Math.Min(request.ContentLength ?? (RequestBody.CanBeThere(request.HttpContext) ? limit : 0), limit);
        var place = new Place(this, size);
        if ((Interlocked.Increment(ref calls) <= mostCalls) & (Interlocked.Add(ref bytes, size) <= mostBytes))
        {
            return place;
        }

        place.Dispose();
        return default;
    }

    /// <summary>A place; default if there was none.</summary>
    internal readonly struct Place(AdmissionGate? gate, long size) : IDisposable
    {
        public bool IsEntered => gate is not null;

        public void Dispose()
        {
            if (gate is not null)
            {
                Interlocked.Decrement(ref gate.calls);
                Interlocked.Add(ref gate.bytes, -size);
            }
        }
    }
}
