using System.Globalization;
using FaasCluster.Chaos.Platforms;

namespace FaasCluster.Chaos.Checking;

/// <summary>What a host may hold when its work is done: faults must not leave it fatter and fatter.</summary>
internal static class Appetite
{
    private const int MostDescriptors = 2_000;
    private const long MostBytes = 1L << 30;

    public static IEnumerable<string> Of(Platform platform)
    {
        foreach (var host in platform.Gateways.Concat(platform.Workers).Distinct())
        {
            var directory = $"/proc/{host.Process.Id}";
            var descriptors = Directory.Exists(directory) ? Directory.EnumerateFileSystemEntries(Path.Combine(directory, "fd")).Count() : 0;
            if (descriptors > MostDescriptors)
            {
                yield return $"{host.Name} holds {descriptors} descriptors, more than {MostDescriptors}";
            }

            if (Resident(directory) is var bytes && bytes > MostBytes)
            {
                yield return $"{host.Name} holds {bytes >> 20} MB, more than {MostBytes >> 20}";
            }
        }
    }

    private static long Resident(string directory)
    {
        var line = Directory.Exists(directory) ? File.ReadLines(Path.Combine(directory, "status")).FirstOrDefault(line => line.StartsWith("VmRSS:", StringComparison.Ordinal)) : null;
        return line is null ? 0 : long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
    }
}
