namespace FaasCluster.Storage.Usage;

/// <summary>What one function used in a span of time.</summary>
public sealed record FunctionUsage
{
    /// <summary>The function's name.</summary>
    public required string FunctionName { get; init; }

    /// <summary>Recorded attempts.</summary>
    public required long Attempts { get; init; }

    /// <summary>Those that ended in an error.</summary>
    public required long Errors { get; init; }

    /// <summary>Those that started a sandbox.</summary>
    public required long ColdStarts { get; init; }

    /// <summary>Billed time in milliseconds.</summary>
    public required long BilledMilliseconds { get; init; }

    /// <summary>Billed compute.</summary>
    public required decimal GigabyteSeconds { get; init; }

    /// <summary>In the currency of the price table.</summary>
    public required decimal Cost { get; init; }
}

/// <summary>Sums over bills.</summary>
public interface IUsageStore
{
    /// <summary>Usage by function of invocations accepted in [since, until), in the order of names.</summary>
    Task<IReadOnlyList<FunctionUsage>> ByFunctionAsync(string accountId, DateTimeOffset since, DateTimeOffset until, CancellationToken cancellationToken);
}
