using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Pool;

/// <summary>
/// Generic sandboxes of one kind, booted before they are needed. Who finds it empty waits for the next one that comes up, and
/// as many boots are under way as there are waiters and gaps; the booter bounds how many of them run at once.
/// </summary>
internal sealed class SandboxPool(RuntimeCommand command, SandboxBooter booter, SandboxOptions options, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan Recent = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RefillDelay = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(10);

    private readonly Lock gate = new();
    private readonly Queue<SandboxProcess> ready = new();
    private readonly Queue<TaskCompletionSource<SandboxProcess>> waiters = new();
    private readonly Queue<long> takes = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly HashSet<Task> boots = [];
    private long lastTake = time.GetTimestamp();
    private bool paused;

    /// <summary>Booted and waiting to be taken.</summary>
    public int Ready
    {
        get
        {
            lock (gate)
            {
                return ready.Count;
            }
        }
    }

    /// <summary>Takes a booted sandbox, or waits for one to boot.</summary>
    /// <exception cref="BootException">It did not come up.</exception>
    public async Task<SandboxProcess> TakeAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource<SandboxProcess> waiter;
        List<SandboxProcess> dead = [];
        lock (gate)
        {
            if (stopping.IsCancellationRequested)
            {
                throw BootException.Stopping();
            }

            lastTake = time.GetTimestamp();
            takes.Enqueue(lastTake);
            paused = false;
            SandboxProcess? found = null;
            while (found is null && ready.TryDequeue(out var candidate))
            {
                if (candidate.Exited.IsCompleted)
                {
                    dead.Add(candidate);
                }
                else
                {
                    found = candidate;
                }
            }

            waiter = new TaskCompletionSource<SandboxProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
            if (found is null)
            {
                waiters.Enqueue(waiter);
                Refill();
            }
            else
            {
                waiter.SetResult(found);
                _ = RefillLaterAsync();
            }
        }

        await EndAsync(dead);
        if (waiter.Task.IsCompleted)
        {
            return await waiter.Task;
        }

        await using (cancellationToken.UnsafeRegister(static (source, token) => ((TaskCompletionSource<SandboxProcess>)source!).TrySetCanceled(token), waiter))
        {
            return await waiter.Task;
        }
    }

    /// <summary>Begins to fill, ahead of any demand, and waits for the first one; false if it did not come up.</summary>
    public async Task<bool> FillFirstAsync()
    {
        Task[] started;
        lock (gate)
        {
            Refill();
            started = [.. boots];
        }

        if (started.Length > 0)
        {
            await Task.WhenAny(started);
        }

        lock (gate)
        {
            return !paused;
        }
    }

    /// <summary>Boots what is missing, ends what is too much or too old; called now and then.</summary>
    public Task TendAsync()
    {
        List<SandboxProcess> surplus = [];
        lock (gate)
        {
            paused = false;
            var target = Target();
            for (var left = ready.Count; left > 0; left--)
            {
                var sandbox = ready.Dequeue();
                if (ready.Count >= target || sandbox.Exited.IsCompleted || System.Diagnostics.Stopwatch.GetElapsedTime(sandbox.StartedAt) > options.MaximumAge)
                {
                    surplus.Add(sandbox);
                }
                else
                {
                    ready.Enqueue(sandbox);
                }
            }

            Refill();
        }

        return EndAsync(surplus);
    }

    public async ValueTask DisposeAsync()
    {
        Task[] underWay;
        lock (gate)
        {
            stopping.Cancel();
            underWay = [.. boots];
        }

        await Task.WhenAll(underWay);

        // Who came while the last boot ended has none of its own.
        FailWaiters(BootException.Stopping());
        await EndAsync(ready);
        stopping.Dispose();
    }

    private int Target()
    {
        while (takes.TryPeek(out var oldest) && time.GetElapsedTime(oldest) > Recent)
        {
            takes.Dequeue();
        }

        var minimum = time.GetElapsedTime(lastTake) > Forgotten ? Math.Min(1, options.PoolMinimum) : options.PoolMinimum;
        return Math.Clamp(takes.Count, Math.Min(minimum, options.PoolMaximum), options.PoolMaximum);
    }

    // Not at once: on a machine with few cores the boot would compete with the very cold start that made the gap.
    private async Task RefillLaterAsync()
    {
        await Task.Delay(RefillDelay, time);
        lock (gate)
        {
            Refill();
        }
    }

    // Under the lock.
    private void Refill()
    {
        if (stopping.IsCancellationRequested)
        {
            return;
        }

        var wanted = waiters.Count(waiter => !waiter.Task.IsCompleted) + (paused ? 0 : Target() - ready.Count);
        for (var missing = wanted - boots.Count; missing > 0; missing--)
        {
            var boot = new Task<Task>(BootAsync);
            var all = boot.Unwrap();
            boots.Add(all);
            _ = all.ContinueWith(ended => Booted(ended), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            boot.Start(TaskScheduler.Default);
        }
    }

    private void Booted(Task boot)
    {
        lock (gate)
        {
            boots.Remove(boot);
            Refill();
        }
    }

    private async Task BootAsync()
    {
        try
        {
            var sandbox = await booter.BootAsync(command, packageDirectory: null, stopping.Token);
            if (!Hand(sandbox))
            {
                await EndAsync([sandbox]);
            }
        }
        catch (OperationCanceledException)
        {
            FailWaiters(BootException.Stopping());
        }
        catch (Exception exception)
        {
            // Whoever waits hears of it; nobody tries again before somebody asks or the next look.
            FailWaiters(exception as BootException ?? new BootException(exception.Message));
            SandboxLog.PoolBootFailed(logger, command.Runtime, exception.Message);
        }
    }

    private bool Hand(SandboxProcess sandbox)
    {
        lock (gate)
        {
            while (waiters.TryDequeue(out var waiter))
            {
                if (waiter.TrySetResult(sandbox))
                {
                    return true;
                }
            }

            if (!stopping.IsCancellationRequested)
            {
                ready.Enqueue(sandbox);
                return true;
            }

            return false;
        }
    }

    private void FailWaiters(BootException exception)
    {
        lock (gate)
        {
            paused = true;
            while (waiters.TryDequeue(out var waiter) && !waiter.TrySetException(exception))
            {
            }
        }
    }

    private async Task EndAsync(IEnumerable<SandboxProcess> sandboxes)
    {
        foreach (var sandbox in sandboxes)
        {
            try
            {
                await sandbox.EndAsync();
            }
            catch (Exception exception) when (exception is IOException or TimeoutException)
            {
                SandboxLog.NotRemoved(logger, exception);
            }
        }
    }
}
