using System.Text.RegularExpressions;
using FaasCluster.Chaos.Checking;

namespace FaasCluster.Chaos.Reporting;

/// <summary>What of the processes' logs explains findings to whoever has nothing but the run's output.</summary>
internal static partial class LogExcerpts
{
    private const int MostFindings = 10;
    private const int MostLines = 60;
    private const int LastLines = 15;

    /// <summary>For each log the lines that name an invocation of the findings, and its end.</summary>
    public static IEnumerable<string> Of(string work, IEnumerable<Finding> findings)
    {
        var ids = findings.Take(MostFindings).SelectMany(finding => Id().Matches(finding.Text).Select(match => match.Value)).ToHashSet();
        foreach (var log in Directory.EnumerateFiles(work, "*.log").Order(StringComparer.Ordinal))
        {
            var lines = File.ReadAllLines(log);
            yield return $"--- {Path.GetFileName(log)}";
            foreach (var line in lines.SkipLast(LastLines).Where(line => Id().Matches(line).Any(match => ids.Contains(match.Value))).Take(MostLines))
            {
                yield return line;
            }

            yield return "...";
            foreach (var line in lines.TakeLast(LastLines))
            {
                yield return line;
            }
        }
    }

    [GeneratedRegex("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")]
    private static partial Regex Id();
}
