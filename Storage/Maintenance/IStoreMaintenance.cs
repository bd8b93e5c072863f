namespace FaasCluster.Storage.Maintenance;

/// <summary>What keeps the store in shape; any number of nodes may call at any time.</summary>
public interface IStoreMaintenance
{
    /// <summary>Brings the schema up to date; safe with many nodes starting at once.</summary>
    Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>Makes the partitions of now and of the days ahead. Nothing on SQLite.</summary>
    Task EnsurePartitionsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Removes what is older than the retention: whole partitions where there are any, without stalling running traffic; and
    /// packages and payloads that nothing refers to.
    /// </summary>
    Task<RetentionResult> ApplyRetentionAsync(CancellationToken cancellationToken);

    /// <summary>Null if the store answers; else what is wrong and what to do, for people.</summary>
    Task<string?> CheckAsync(CancellationToken cancellationToken);
}

/// <summary>What was removed.</summary>
/// <param name="Partitions">Names of dropped partitions.</param>
/// <param name="Rows">Rows deleted one by one.</param>
/// <param name="Packages">Packages collected.</param>
/// <param name="Payloads">Payloads collected.</param>
public sealed record RetentionResult(IReadOnlyList<string> Partitions, long Rows, long Packages, long Payloads);
