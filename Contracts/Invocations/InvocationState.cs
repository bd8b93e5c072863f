namespace FaasCluster.Contracts.Invocations;

/// <summary>
/// The life of an invocation. <see cref="Queued"/> and <see cref="Running"/> are the only states that are left again;
/// every other is terminal and is written once.
/// </summary>
public enum InvocationState
{
    /// <summary>Accepted and waiting for a worker, for its first attempt or a later one.</summary>
    Queued,

    /// <summary>A worker committed a start mark. Only redelivered and at-most-once invocations have one.</summary>
    Running,

    /// <summary>The function returned a result.</summary>
    Succeeded,

    /// <summary>The last attempt ended in an error; <see cref="ErrorCode"/> says which.</summary>
    Failed,

    /// <summary>Ended before or during its run by its caller, or because its function was deleted.</summary>
    Cancelled,

    /// <summary>Outlived its maximum age before an attempt succeeded.</summary>
    Expired,

    /// <summary>The platform cannot say what became of it: its worker died or it killed every worker that took it.</summary>
    Lost,
}

/// <summary>The table of legal transitions between invocation states.</summary>
public static class InvocationStates
{
    private static readonly string[] WireNames = ["queued", "running", "succeeded", "failed", "cancelled", "expired", "lost"];

    /// <summary>True for the states that are never left.</summary>
    public static bool IsTerminal(this InvocationState state) => state > InvocationState.Running;

    /// <summary>The name in the store and in the API: lower case.</summary>
    public static string ToWire(this InvocationState state) => WireNames[(int)state];

    /// <summary>Reads a name written by <see cref="ToWire"/>.</summary>
    /// <exception cref="FormatException">The name is none of the states.</exception>
    public static InvocationState Parse(string name) => TryParse(name, out var state)
        ? state
        : throw new FormatException($"'{name}' is no invocation state; expected one of {string.Join(", ", WireNames)}.");

    /// <summary>Reads a name written by <see cref="ToWire"/>; false if it is none of the states.</summary>
    public static bool TryParse(string name, out InvocationState state)
    {
        var index = Array.IndexOf(WireNames, name);
        state = index < 0 ? default : (InvocationState)index;
        return index >= 0;
    }

    /// <summary>
    /// Whether <paramref name="from"/> may be followed by <paramref name="to"/>. Queued goes anywhere but to itself;
    /// Running goes back to Queued (a further attempt) or to an end; an end goes nowhere.
    /// </summary>
    public static bool CanBecome(this InvocationState from, InvocationState to) => from switch
    {
        InvocationState.Queued => to != InvocationState.Queued,
        InvocationState.Running => to != InvocationState.Running,
        _ => false,
    };
}
