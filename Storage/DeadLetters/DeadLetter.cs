using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.DeadLetters;

/// <summary>What became of a dead letter. Only <see cref="Open"/> is ever left.</summary>
public enum DeadLetterState
{
    /// <summary>Nobody has dealt with it.</summary>
    Open,

    /// <summary>A new invocation was made of it.</summary>
    Redriven,

    /// <summary>It was given up.</summary>
    Discarded,
}

/// <summary>The names of states in the store and in the API: lower case.</summary>
public static class DeadLetterStates
{
    private static readonly string[] WireNames = ["open", "redriven", "discarded"];

    /// <summary>Every name.</summary>
    public static IReadOnlyList<string> All => WireNames;

    /// <summary>"open", "redriven" or "discarded".</summary>
    public static string ToWire(this DeadLetterState state) => WireNames[(int)state];

    /// <summary>Reads a name written by <see cref="ToWire"/>; false if it is none of the states.</summary>
    public static bool TryParse(string name, out DeadLetterState state)
    {
        var index = Array.IndexOf(WireNames, name);
        state = index < 0 ? default : (DeadLetterState)index;
        return index >= 0;
    }

    /// <summary>Reads a name written by <see cref="ToWire"/>.</summary>
    /// <exception cref="FormatException">The name is none of the states.</exception>
    public static DeadLetterState Parse(string name) => TryParse(name, out var state)
        ? state
        : throw new FormatException($"'{name}' is no state of a dead letter; expected one of {string.Join(", ", WireNames)}.");
}

/// <summary>An asynchronous invocation that ended as failed, expired or lost.</summary>
public sealed record DeadLetter
{
    /// <summary>The invocation, with how and when it ended.</summary>
    public required InvocationSummary Invocation { get; init; }

    /// <summary>What became of it.</summary>
    public required DeadLetterState State { get; init; }

    /// <summary>When it was re-driven or discarded; null while it is open.</summary>
    public DateTimeOffset? SettledAt { get; init; }

    /// <summary>The invocation that was made of it; null unless it was re-driven.</summary>
    public Guid? RedrivenAs { get; init; }
}

/// <summary>What to list.</summary>
public sealed record DeadLetterFilter
{
    /// <summary>The account.</summary>
    public required string AccountId { get; init; }

    /// <summary>Only this function's; null for all.</summary>
    public string? FunctionName { get; init; }

    /// <summary>Only those in this state; null for all.</summary>
    public DeadLetterState? State { get; init; }

    /// <summary>Only those accepted at or after this time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Only those accepted before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Continue after this one (newest first); null for the first page.</summary>
    public Guid? Before { get; init; }

    /// <summary>Most rows, 1 to 1,000.</summary>
    public int Limit { get; init; } = 50;
}
