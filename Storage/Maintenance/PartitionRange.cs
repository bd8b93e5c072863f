using System.Globalization;
using System.Text.RegularExpressions;
using FaasCluster.Contracts;

namespace FaasCluster.Storage.Maintenance;

/// <summary>The span of time whose ids a partition holds.</summary>
/// <param name="From">Inclusive.</param>
/// <param name="Until">Exclusive.</param>
internal readonly partial record struct PartitionRange(DateTimeOffset From, DateTimeOffset Until)
{
    /// <summary>Reads what pg_get_expr says about a partition's bounds; null for the default partition.</summary>
    public static PartitionRange? Parse(string bound)
    {
        var match = BoundPattern().Match(bound);
        return match.Success
            ? new PartitionRange(Uuid7.TimeOf(Guid.Parse(match.Groups[1].Value)), Uuid7.TimeOf(Guid.Parse(match.Groups[2].Value)))
            : null;
    }

    /// <summary>
    /// The ranges that are missing between two instants: whole spans, counted from the epoch, and shorter ones where
    /// partitions of another span stand already.
    /// </summary>
    public static IEnumerable<PartitionRange> Missing(IEnumerable<PartitionRange> present, DateTimeOffset from, DateTimeOffset until, TimeSpan span)
    {
        var standing = present.OrderBy(range => range.From).ToList();
        var start = Floor(from, span);
        while (start < until)
        {
            var here = standing.FindIndex(range => range.From <= start && start < range.Until);
            if (here >= 0)
            {
                start = standing[here].Until;
                continue;
            }

            var end = Floor(start, span) + span;
            var next = standing.FindIndex(range => range.From > start && range.From < end);
            var missing = new PartitionRange(start, next >= 0 ? standing[next].From : end);
            yield return missing;
            start = missing.Until;
        }
    }

    /// <summary>The name of a table's partition.</summary>
    public string NameFor(string table) => string.Create(CultureInfo.InvariantCulture, $"{table}_p{From.UtcDateTime:yyyyMMddHHmm}");

    private static DateTimeOffset Floor(DateTimeOffset time, TimeSpan span) =>
        time.AddTicks(-((time - DateTimeOffset.UnixEpoch).Ticks % span.Ticks)).ToUniversalTime();

    [GeneratedRegex(@"^FOR VALUES FROM \('([0-9a-f-]{36})'\) TO \('([0-9a-f-]{36})'\)$")]
    private static partial Regex BoundPattern();
}
