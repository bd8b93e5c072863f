namespace FaasCluster.Storage.Groups;

/// <summary>The bounds of a <see cref="GroupWriter{T,TResult}"/>.</summary>
internal sealed record GroupWriterSettings<T>
{
    /// <summary>What the items are called in logs, in the plural.</summary>
    public required string What { get; init; }

    /// <summary>Most items in the buffer.</summary>
    public required int PendingLimit { get; init; }

    /// <summary>Most items of one commit.</summary>
    public required int BatchLimit { get; init; }

    /// <summary>No further item joins a batch that weighs this much, in bytes.</summary>
    public long BatchWeight { get; init; } = 8 << 20;

    /// <summary>About how many bytes an item is.</summary>
    public Func<T, int> Weigh { get; init; } = _ => 0;
}
