namespace FaasCluster.Contracts.Api;

/// <summary>One line that a function printed.</summary>
public sealed record LogLineDescription
{
    /// <summary>When it was printed.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>The attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>stdout, stderr or platform.</summary>
    public required string Stream { get; init; }

    /// <summary>The line without its end.</summary>
    public required string Text { get; init; }
}
