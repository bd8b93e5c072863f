namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// One thread that advances the engine's epoch while something runs, which makes running code ask whether it may go on. It waits
/// without a tick when nothing runs.
/// </summary>
internal sealed class EpochTicker : IDisposable
{
    private const int LingerTicks = 10;

    private readonly object gate = new();
    private readonly nint engine;
    private readonly TimeSpan interval;
    private readonly Thread thread;
    private int running;
    private bool isWaiting;
    private bool stopping;

    public EpochTicker(nint engine, TimeSpan interval)
    {
        this.engine = engine;
        this.interval = interval;
        thread = new Thread(Run) { IsBackground = true, Name = "wasm ticker" };
        thread.Start();
    }

    /// <summary>Ticks until what is returned is disposed.</summary>
    public Ticking Begin()
    {
        if (Interlocked.Increment(ref running) == 1 && Volatile.Read(ref isWaiting))
        {
            lock (gate)
            {
                Monitor.Pulse(gate);
            }
        }

        return new Ticking(this);
    }

    public void Dispose()
    {
        lock (gate)
        {
            stopping = true;
            Monitor.Pulse(gate);
        }

        thread.Join();
    }

    private void Run()
    {
        var idle = 0;
        lock (gate)
        {
            while (!stopping)
            {
                // Lingers, so that a stream of short runs does not wake it for each of them.
                idle = Volatile.Read(ref running) > 0 ? 0 : idle + 1;
                if (idle > LingerTicks)
                {
                    // Announced first, then looked at again: whoever begins after the look sees the announcement and pulses.
                    Volatile.Write(ref isWaiting, true);
                    Interlocked.MemoryBarrier();
                    while (Volatile.Read(ref running) == 0 && !stopping)
                    {
                        Monitor.Wait(gate);
                    }

                    Volatile.Write(ref isWaiting, false);
                    idle = 0;
                }

                Monitor.Wait(gate, interval);
                Native.Wasmtime.wasmtime_engine_increment_epoch(engine);
            }
        }
    }

    public readonly struct Ticking(EpochTicker ticker) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref ticker.running);
    }
}
