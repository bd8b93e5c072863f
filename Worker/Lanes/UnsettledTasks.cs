using System.Collections.Concurrent;

namespace FaasCluster.Worker.Lanes;

/// <summary>Records, acknowledgements and answers that are under way: a lane does not close before they are out.</summary>
internal sealed class UnsettledTasks
{
    private readonly ConcurrentDictionary<Task, bool> open = new();

    public ICollection<Task> Open => open.Keys;

    public void Add(Task task)
    {
        if (task.IsCompleted)
        {
            return;
        }

        open[task] = true;
        _ = task.ContinueWith(
            done => open.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
