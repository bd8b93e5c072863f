namespace FaasCluster.Storage.Dispatches;

/// <summary>The names of kinds and states in the store and in the API: lower case.</summary>
public static class DispatchNames
{
    private static readonly string[] Kinds = ["function", "queue", "callback"];
    private static readonly string[] States = ["waiting", "delivered", "dead"];

    /// <summary>Every state by name.</summary>
    public static IReadOnlyList<string> StateNames => States;

    /// <summary>Every kind by name.</summary>
    public static IReadOnlyList<string> KindNames => Kinds;

    /// <summary>"function", "queue" or "callback".</summary>
    public static string ToWire(this DispatchKind kind) => Kinds[(int)kind];

    /// <summary>"waiting", "delivered" or "dead".</summary>
    public static string ToWire(this DispatchState state) => States[(int)state];

    /// <summary>Reads a kind written by <see cref="ToWire(DispatchKind)"/>.</summary>
    /// <exception cref="FormatException">The name is no kind.</exception>
    public static DispatchKind ParseKind(string name) => (DispatchKind)IndexOf(Kinds, name);

    /// <summary>Reads a state written by <see cref="ToWire(DispatchState)"/>.</summary>
    /// <exception cref="FormatException">The name is no state.</exception>
    public static DispatchState ParseState(string name) => (DispatchState)IndexOf(States, name);

    private static int IndexOf(string[] names, string name) => Array.IndexOf(names, name) is >= 0 and var index
        ? index
        : throw new FormatException($"'{name}' is unknown; expected one of {string.Join(", ", names)}.");
}
