namespace FaasCluster.Contracts.Api;

/// <summary>One page of a list.</summary>
/// <typeparam name="T">The items.</typeparam>
public sealed record Page<T>
{
    /// <summary>The items of this page, in the list's order.</summary>
    public required IReadOnlyList<T> Items { get; init; }

    /// <summary>Pass it as <c>cursor</c> to get the next page; null on the last.</summary>
    public string? Next { get; init; }
}
