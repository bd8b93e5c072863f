namespace FaasCluster.Gateway.Parameters;

/// <summary>Pages by cursor.</summary>
internal static class Paging
{
    /// <summary>How many items to ask the store for: one more than a page shows tells whether there is another page.</summary>
    public static int Ask(int limit) => Math.Min(limit + 1, QueryParameters.MaximumLimit);

    /// <summary>The cursor of the next page: that of the last item shown; null on the last page.</summary>
    public static string? Next<T>(IReadOnlyList<T> found, int limit, Func<T, string> cursor) =>
        found.Count > limit || (limit == QueryParameters.MaximumLimit && found.Count == limit) ? cursor(found[limit - 1]) : null;
}
