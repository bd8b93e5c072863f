namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// Threads that runs have to themselves: a run may loop or sleep until its timeout, which must be nobody else's loss. As many as run at
/// once, at most a given number; what comes beyond waits. A thread without work ends after a while.
/// </summary>
internal sealed class WasmThreads(int most) : IDisposable
{
    // WebAssembly's own stack, and what host functions need below it.
    private const int StackBytes = WasmSettings.StackBytes + (1536 << 10);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly object gate = new();
    private readonly Queue<Action> work = [];
    private int threads;
    private int idle;
    private bool stopping;

    /// <summary>Runs something on a thread of its own.</summary>
    public Task<T> RunAsync<T>(Func<T> function)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(stopping, this);
            work.Enqueue(() =>
            {
                try
                {
                    result.SetResult(function());
                }
                catch (Exception exception)
                {
                    result.SetException(exception);
                }
            });
            if (work.Count > idle && threads < most)
            {
                threads++;
                new Thread(Run, StackBytes) { IsBackground = true, Name = "wasm" }.Start();
            }
            else
            {
                Monitor.Pulse(gate);
            }
        }

        return result.Task;
    }

    /// <summary>Takes no more work and waits for the threads' ends: whoever runs must have been told to stop.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            stopping = true;
            Monitor.PulseAll(gate);
            while (threads > 0)
            {
                Monitor.Wait(gate);
            }
        }
    }

    private void Run()
    {
        // Wasmtime gives the thread another stack for signals, and .NET, at the thread's end, would unmap that instead of its own.
        var signals = SignalStack.Save();
        while (Next() is { } action)
        {
            action();
        }

        signals.Restore();
        lock (gate)
        {
            threads--;
            Monitor.PulseAll(gate);
        }
    }

    private Action? Next()
    {
        lock (gate)
        {
            idle++;
            try
            {
                while (work.Count == 0)
                {
                    if (stopping || (!Monitor.Wait(gate, Patience) && work.Count == 0))
                    {
                        return null;
                    }
                }

                return work.Dequeue();
            }
            finally
            {
                idle--;
            }
        }
    }
}
