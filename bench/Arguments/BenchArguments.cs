using System.Globalization;

namespace FaasCluster.Bench.Arguments;

/// <summary>What the command line asks for.</summary>
internal sealed record BenchArguments
{
    public static readonly IReadOnlyList<string> AllScenarios = ["latency", "throughput", "overload", "memory", "burst", "coldstart"];

    public const string Usage = "usage: bench/run [latency] [throughput] [coldstart] [burst] [memory] [overload] [--rounds N] [--json FILE]";

    /// <summary>In the order in which they run.</summary>
    public required IReadOnlyList<string> Scenarios { get; init; }

    /// <summary>Rounds of every scenario, 1 to 100, default 5.</summary>
    public required int Rounds { get; init; }

    /// <summary>Where the figures go as JSON; null for nowhere.</summary>
    public string? JsonFile { get; init; }

    /// <summary>Reads the command line; null with the reason if it makes no sense.</summary>
    public static BenchArguments? Read(IReadOnlyList<string> words, out string? problem)
    {
        var scenarios = new List<string>();
        var rounds = 5;
        string? json = null;
        problem = null;
        for (var i = 0; i < words.Count && problem is null; i++)
        {
            switch (words[i])
            {
                case "--rounds":
                    if (++i >= words.Count || !int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out rounds) || rounds is < 1 or > 100)
                    {
                        problem = $"--rounds needs a number from 1 to 100, not '{(i < words.Count ? words[i] : "")}'.";
                    }

                    break;
                case "--json":
                    if (++i >= words.Count)
                    {
                        problem = "--json needs the name of a file.";
                        break;
                    }

                    json = words[i];
                    break;
                case var word when AllScenarios.Contains(word):
                    scenarios.Add(word);
                    break;
                default:
                    problem = $"'{words[i]}' is not known; expected {string.Join(", ", AllScenarios)}, --rounds or --json.";
                    break;
            }
        }

        return problem is not null
            ? null
            : new BenchArguments
            {
                Scenarios = scenarios.Count == 0 ? AllScenarios : [.. AllScenarios.Where(scenarios.Contains)],
                Rounds = rounds,
                JsonFile = json,
            };
    }
}
