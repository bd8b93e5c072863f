using System.Globalization;

namespace FaasCluster.Chaos.Arguments;

/// <summary>What the command line asks for.</summary>
internal sealed record ChaosArguments
{
    public const string Usage = "usage: tests/Chaos/run --minutes M --seed S [--embedded] [--nodes 1|3] [--rate R] [--faults WORDS,WORDS...] [--control] [--json FILE]";

    private const int DefaultRate = 120;

    /// <summary>How long calls are made and faults injected, 0.2 to 1440 minutes.</summary>
    public required double Minutes { get; init; }

    /// <summary>What decides the order of the faults, their victims and the events; the processes' timing is their own.</summary>
    public required int Seed { get; init; }

    /// <summary>Calls a second of all callers together, at most, 1 to 10,000.</summary>
    public int Rate { get; init; } = DefaultRate;

    public bool IsEmbedded { get; init; }

    /// <summary>Nodes of the broker, 1 or 3.</summary>
    public int Nodes { get; init; } = 1;

    /// <summary>Workers that acknowledge before they commit: such a run must lose.</summary>
    public bool IsControl { get; init; }

    /// <summary>Only these kinds of faults; empty for all.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    public string? JsonFile { get; init; }

    /// <summary>The command that repeats the run.</summary>
    public string Command => string.Create(
        CultureInfo.InvariantCulture,
        $"tests/Chaos/run --minutes {Minutes} --seed {Seed}{(IsEmbedded ? " --embedded" : "")}{(Nodes == 1 ? "" : $" --nodes {Nodes}")}{(Rate == DefaultRate ? "" : $" --rate {Rate}")}{(Faults.Count == 0 ? "" : $" --faults \"{string.Join(',', Faults)}\"")}{(IsControl ? " --control" : "")}");

    /// <summary>Reads the command line; null with the reason if it makes no sense.</summary>
    public static ChaosArguments? Read(IReadOnlyList<string> words, out string? problem)
    {
        var arguments = new ChaosArguments { Minutes = 2, Seed = 1 };
        problem = null;
        for (var i = 0; i < words.Count && problem is null; i++)
        {
            var value = i + 1 < words.Count ? words[i + 1] : "";
            switch (words[i])
            {
                case "--minutes" when double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var minutes) && minutes is >= 0.2 and <= 1440:
                    arguments = arguments with { Minutes = minutes };
                    break;
                case "--minutes":
                    problem = $"--minutes needs a number from 0.2 to 1440, not '{value}'.";
                    break;
                case "--seed" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seed):
                    arguments = arguments with { Seed = seed };
                    break;
                case "--seed":
                    problem = $"--seed needs a number from 0 to {int.MaxValue}, not '{value}'.";
                    break;
                case "--embedded":
                    arguments = arguments with { IsEmbedded = true };
                    continue;
                case "--nodes" when value is "1" or "3":
                    arguments = arguments with { Nodes = value == "3" ? 3 : 1 };
                    break;
                case "--nodes":
                    problem = $"--nodes needs 1 or 3, not '{value}'.";
                    break;
                case "--rate" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var rate) && rate is >= 1 and <= 10_000:
                    arguments = arguments with { Rate = rate };
                    break;
                case "--rate":
                    problem = $"--rate needs a number from 1 to 10000, not '{value}'.";
                    break;
                case "--faults" when value.Length > 0:
                    arguments = arguments with { Faults = value.Split(',') };
                    break;
                case "--json" when value.Length > 0:
                    arguments = arguments with { JsonFile = value };
                    break;
                case "--control":
                    arguments = arguments with { IsControl = true };
                    continue;
                default:
                    problem = $"'{words[i]}' is not known or lacks its value.";
                    break;
            }

            i++;
        }

        if (problem is null && arguments.IsEmbedded && (arguments.IsControl || arguments.Nodes > 1))
        {
            problem = "--control and --nodes are of the cluster: the embedded mode has no broker.";
        }

        return problem is null ? arguments : null;
    }
}
