namespace FaasCluster.Contracts.Api;

/// <summary>Usage of an account in a span of time.</summary>
public sealed record UsageReport
{
    /// <summary>Inclusive start.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Exclusive end.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>ISO 4217.</summary>
    public required string Currency { get; init; }

    /// <summary>By function, in the order of names.</summary>
    public required IReadOnlyList<UsageLine> Functions { get; init; }
}

/// <summary>Usage of one function.</summary>
public sealed record UsageLine
{
    /// <summary>The function's name.</summary>
    public required string Function { get; init; }

    /// <summary>Recorded attempts.</summary>
    public required long Attempts { get; init; }

    /// <summary>Those that ended in an error.</summary>
    public required long Errors { get; init; }

    /// <summary>Those that started a sandbox.</summary>
    public required long ColdStarts { get; init; }

    /// <summary>Billed time in ms.</summary>
    public required long BilledMs { get; init; }

    /// <summary>Billed compute in GB-seconds.</summary>
    public required decimal GbSeconds { get; init; }

    /// <summary>In the report's currency.</summary>
    public required decimal Cost { get; init; }
}
