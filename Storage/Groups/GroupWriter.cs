using System.Threading.Channels;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Groups;

/// <summary>
/// Group commit: whatever was handed in while the previous commit ran goes into the next one. There is no timer, so a lone
/// item pays one round trip and a flood shares one. While the store is away the same batch is tried again, and the buffer
/// is bounded.
/// </summary>
internal sealed class GroupWriter<T, TResult> : IAsyncDisposable
{
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(2);

    private readonly GroupWriterSettings<T> _settings;
    private readonly Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<TResult>>> _commit;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<Entry> _entries;
    private readonly CancellationTokenSource _disposing = new();
    private readonly Task _loop;
    private int _pending;
    private volatile bool _away;

    public GroupWriter(
        GroupWriterSettings<T> settings, Func<IReadOnlyList<T>, CancellationToken, Task<IReadOnlyList<TResult>>> commit, TimeProvider time, ILogger log)
    {
        _settings = settings;
        _commit = commit;
        _time = time;
        _log = log;
        _entries = Channel.CreateBounded<Entry>(new BoundedChannelOptions(settings.PendingLimit) { SingleReader = true });
        _loop = Task.Run(RunAsync);
    }

    /// <summary>Items handed in and not committed, also those that wait for room in the buffer.</summary>
    public int Pending => Volatile.Read(ref _pending);

    /// <summary>True while the buffer is full or the store is away.</summary>
    public bool IsSaturated => _away || Pending >= _settings.PendingLimit;

    /// <summary>Returns what became of the item when it is committed. A cancelled token ends the wait only.</summary>
    public async Task<TResult> WriteAsync(T item, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<TResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        var enqueued = EnqueueAsync(new Entry(item, done, null), CancellationToken.None);
        if (!enqueued.IsCompletedSuccessfully)
        {
            await enqueued.AsTask().WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        return await done.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Returns when the item is in the buffer.</summary>
    public ValueTask AddAsync(T item, CancellationToken cancellationToken) => EnqueueAsync(new Entry(item, null, null), cancellationToken);

    /// <summary>False if the buffer is full.</summary>
    public bool TryAdd(T item)
    {
        Interlocked.Increment(ref _pending);
        if (_entries.Writer.TryWrite(new Entry(item, null, null)))
        {
            return true;
        }

        Interlocked.Decrement(ref _pending);
        return false;
    }

    /// <summary>Returns when everything handed in so far is committed.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var flushed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await EnqueueAsync(new Entry(default!, null, flushed), cancellationToken).ConfigureAwait(false);
        await flushed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Flushes within the host's time to stop. What comes after it is still written, until disposal.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            _log.WriteAbandoned(Pending, _settings.What);
        }
        catch (ObjectDisposedException)
        {
            // Disposed before it was stopped: everything is settled.
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_entries.Writer.TryComplete())
        {
            await _disposing.CancelAsync().ConfigureAwait(false);
        }

        await _loop.ConfigureAwait(false);
    }

    private async ValueTask EnqueueAsync(Entry entry, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _pending);
        try
        {
            await _entries.Writer.WriteAsync(entry, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            Interlocked.Decrement(ref _pending);
            ObjectDisposedException.ThrowIf(exception is ChannelClosedException, this);
            throw;
        }
    }

    private async Task RunAsync()
    {
        var entries = new List<Entry>();
        while (await _entries.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            entries.Clear();
            var weight = 0L;
            while (entries.Count < _settings.BatchLimit && weight < _settings.BatchWeight && _entries.Reader.TryRead(out var entry))
            {
                entries.Add(entry);
                weight += entry.Flushed is null ? _settings.Weigh(entry.Item) : 0;
            }

            await CommitAsync(entries).ConfigureAwait(false);
        }
    }

    private async Task CommitAsync(List<Entry> entries)
    {
        var items = new List<T>(entries.Count);
        foreach (var entry in entries)
        {
            if (entry.Flushed is null)
            {
                items.Add(entry.Item);
            }
        }

        IReadOnlyList<TResult> results = [];
        Exception? failure = null;
        try
        {
            results = items.Count == 0 ? [] : await CommitUntilTakenAsync(items).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            // Disposed while the store was away, or a bug: whoever waits has to know.
            failure = exception is OperationCanceledException
                ? new StoreUnavailableException($"Stopped before the store took {items.Count} {_settings.What}.", exception)
                : exception;
            _log.WriteAbandoned(items.Count, _settings.What);
        }

        Interlocked.Add(ref _pending, -entries.Count);
        var next = 0;
        foreach (var entry in entries)
        {
            if (failure is not null)
            {
                entry.Done?.TrySetException(failure);
                entry.Flushed?.TrySetException(failure);
            }
            else if (entry.Flushed is not null)
            {
                entry.Flushed.TrySetResult();
            }
            else
            {
                entry.Done?.TrySetResult(results[next]);
                next++;
            }
        }
    }

    private async Task<IReadOnlyList<TResult>> CommitUntilTakenAsync(List<T> items)
    {
        for (var delay = FirstDelay; ; delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay)
        {
            try
            {
                var results = await _commit(items, _disposing.Token).ConfigureAwait(false);
                if (_away)
                {
                    _away = false;
                    _log.WriteResumed(_settings.What);
                }

                return results;
            }
            catch (StoreUnavailableException exception)
            {
                _away = true;
                _log.WriteRetried(Pending, _settings.What, delay, exception);
            }

            await Task.Delay(delay, _time, _disposing.Token).ConfigureAwait(false);
        }
    }

    private readonly record struct Entry(T Item, TaskCompletionSource<TResult>? Done, TaskCompletionSource? Flushed);
}
