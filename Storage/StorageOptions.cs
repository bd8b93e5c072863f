using System.ComponentModel.DataAnnotations;

namespace FaasCluster.Storage;

/// <summary>Settings of the store; section "Storage".</summary>
public sealed record StorageOptions
{
    /// <summary>PostgreSQL 15 or newer, as an Npgsql connection string; null for SQLite of the embedded mode.</summary>
    public string? ConnectionString { get; set; }

    /// <summary>Where the SQLite file lies; used only without <see cref="ConnectionString"/>.</summary>
    public string? DataDirectory { get; set; }

    /// <summary>How long invocations, bills and logs are kept, 1 to 3650 days, default 30 days.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan Retention { get; init; } = TimeSpan.FromDays(30);

    /// <summary>The time that one partition covers, 1 hour to 31 days, default 1 day. Do not make it larger or smaller later.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "31.00:00:00")]
    public TimeSpan PartitionSpan { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Records waiting to be written before writers have to wait, 100 to 100,000, default 5,000.</summary>
    [Range(100, 100_000)]
    public int PendingLimit { get; init; } = 5_000;

    /// <summary>Most records of one transaction, 1 to 5,000, default 500.</summary>
    [Range(1, 5_000)]
    public int BatchLimit { get; init; } = 500;
}
