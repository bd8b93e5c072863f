using System.Globalization;

namespace FaasCluster.Bench.Machine;

/// <summary>Memory of processes: their proportional set sizes, in which what several share counts for each in part (proc(5), smaps_rollup).</summary>
internal static class SetSize
{
    /// <summary>Of one process, in MB (2^20 bytes).</summary>
    /// <exception cref="BenchFailedException">It is gone, or another user's.</exception>
    public static double OfProcess(int id)
    {
        try
        {
            var line = File.ReadLines($"/proc/{id}/smaps_rollup").First(line => line.StartsWith("Pss:", StringComparison.Ordinal));
            return long.Parse(line[4..^2], NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) / 1024.0;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BenchFailedException($"The memory of process {id} could not be read; the sandboxes' can be by root only. ({exception.Message})");
        }
    }

    /// <summary>The processes that another one has started.</summary>
    public static IEnumerable<int> Children(int id) =>
        Directory.EnumerateDirectories($"/proc/{id}/task")
            .SelectMany(task => File.ReadAllText(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(child => int.Parse(child, CultureInfo.InvariantCulture));

    /// <summary>These, those that they have started, and so on.</summary>
    public static IEnumerable<int> Below(int id) => Children(id).SelectMany(child => Below(child).Prepend(child));

    /// <summary>The program that a process runs.</summary>
    public static string ProgramOf(int id) => File.ReadAllText($"/proc/{id}/cmdline").Split('\0')[0];
}
