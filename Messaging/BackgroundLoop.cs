namespace FaasCluster.Messaging;

/// <summary>Something that goes on from a start to an end. Starting and ending twice do nothing.</summary>
internal sealed class BackgroundLoop(Func<CancellationToken, Task> run) : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly Lock gate = new();
    private Task? running;

    public void Start()
    {
        lock (gate)
        {
            if (!stopping.IsCancellationRequested)
            {
                running ??= Task.Run(() => run(stopping.Token));
            }
        }
    }

    /// <summary>Ends it and waits for the end.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        Task? last;
        lock (gate)
        {
            last = running;
        }

        await (last ?? Task.CompletedTask);
    }
}
