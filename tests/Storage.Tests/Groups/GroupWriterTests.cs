using FaasCluster.Storage.Groups;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Logging.Abstractions;

namespace FaasCluster.Storage.Tests.Groups;

public sealed class GroupWriterTests
{
    [Fact]
    public async Task Write_WhileACommitRuns_JoinsTheNextOne()
    {
        var batches = new List<int>();
        var running = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var writer = Make(async batch =>
        {
            batches.Add(batch.Count);
            running.TrySetResult();
            await release.Task;
        });

        var first = writer.WriteAsync(0, default);
        await running.Task;
        var others = Enumerable.Range(1, 25).Select(i => writer.WriteAsync(i, default)).ToList();
        release.SetResult();

        Assert.Equal(Enumerable.Range(1, 25), await Task.WhenAll(others));
        Assert.Equal(0, await first);
        Assert.Equal([1, 10, 10, 5], batches);
    }

    [Fact]
    public async Task Write_HeavyItems_SplitsTheBatch()
    {
        var batches = new List<int>();
        var release = new TaskCompletionSource();
        await using var writer = Make(
            async batch =>
            {
                await release.Task;
                batches.Add(batch.Count);
            },
            weigh: _ => 60);

        var writes = Enumerable.Range(0, 6).Select(i => writer.WriteAsync(i, default)).ToList();
        release.SetResult();
        await Task.WhenAll(writes);

        Assert.True(batches.Max() == 2, $"Batches of {string.Join(", ", batches)}.");
    }

    [Fact]
    public async Task Write_StoreAway_TriesTheSameBatchAgain()
    {
        var tries = new List<int[]>();
        await using var writer = Make(batch =>
        {
            tries.Add([.. batch]);
            return tries.Count < 4 ? throw new StoreUnavailableException("away") : Task.CompletedTask;
        });

        Assert.Equal(7, await writer.WriteAsync(7, default));

        Assert.Equal(4, tries.Count);
        Assert.All(tries, batch => Assert.Equal([7], batch));
        Assert.False(writer.IsSaturated);
    }

    [Fact]
    public async Task Write_Bug_FailsItsBatchAndNotTheNext()
    {
        var calls = 0;
        await using var writer = Make(_ => ++calls == 1 ? throw new InvalidCastException("bug") : Task.CompletedTask);

        await Assert.ThrowsAsync<InvalidCastException>(() => writer.WriteAsync(1, default));

        Assert.Equal(2, await writer.WriteAsync(2, default));
    }

    [Fact]
    public async Task TryAdd_BufferFull_IsFalseAndRoomComesBack()
    {
        var release = new TaskCompletionSource();
        await using var writer = Make(_ => release.Task);

        var added = Enumerable.Range(0, 200).Count(writer.TryAdd);

        // The buffer, and at most one batch that was taken out of it.
        Assert.InRange(added, 100, 110);
        Assert.True(writer.IsSaturated);
        release.SetResult();
        await writer.FlushAsync(default);
        Assert.Equal(0, writer.Pending);
        Assert.True(writer.TryAdd(1));
    }

    [Fact]
    public async Task Flush_CoversEverythingBeforeIt()
    {
        var written = 0;
        await using var writer = Make(batch =>
        {
            written += batch.Count;
            return Task.CompletedTask;
        });
        for (var i = 0; i < 57; i++)
        {
            await writer.AddAsync(i, default);
        }

        await writer.FlushAsync(default);

        Assert.Equal(57, written);
    }

    [Fact]
    public async Task Write_AfterDisposal_IsRefused()
    {
        var writer = Make(_ => Task.CompletedTask);
        await writer.DisposeAsync();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => writer.WriteAsync(1, default));
        await writer.StopAsync(default);
    }

    private static GroupWriter<int, int> Make(Func<IReadOnlyList<int>, Task> commit, Func<int, int>? weigh = null) => new(
        new GroupWriterSettings<int> { What = "numbers", PendingLimit = 100, BatchLimit = 10, BatchWeight = 100, Weigh = weigh ?? (_ => 1) },
        async (batch, _) =>
        {
            await commit(batch);
            return [.. batch];
        },
        TimeProvider.System,
        NullLogger.Instance);
}
