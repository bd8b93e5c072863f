namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>The system's clock, which a test can set forward: what was to happen then does not wait. Pauses take their real time.</summary>
internal sealed class SetForwardClock : TimeProvider
{
    private long ahead; // ticks of 100 ns

    public void Advance(TimeSpan time) => Interlocked.Add(ref ahead, time.Ticks);

    public override long GetTimestamp() => base.GetTimestamp() + (Volatile.Read(ref ahead) * (TimestampFrequency / TimeSpan.TicksPerSecond));

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref ahead));
}
