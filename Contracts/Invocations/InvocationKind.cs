namespace FaasCluster.Contracts.Invocations;

/// <summary>Whether somebody waits for the answer.</summary>
public enum InvocationKind
{
    /// <summary>The caller waits; executed at most once.</summary>
    Synchronous,

    /// <summary>Accepted with 202; executed at least once, recorded exactly once.</summary>
    Asynchronous,
}

/// <summary>What caused an invocation.</summary>
public enum TriggerKind
{
    /// <summary>A request to the function's URL or to one of its routes: the event is an HTTP request.</summary>
    Http,

    /// <summary>An Invoke call of the API: the event is the body as it was sent.</summary>
    Api,

    /// <summary>The end of another invocation, of whose function this one is a destination: the event is a destination record.</summary>
    Destination,
}

/// <summary>The names of kinds and triggers in the store, in headers and in the API: lower case.</summary>
public static class InvocationKinds
{
    /// <summary>"synchronous" or "asynchronous".</summary>
    public static string ToWire(this InvocationKind kind) => kind == InvocationKind.Synchronous ? "synchronous" : "asynchronous";

    /// <summary>"http", "api" or "destination".</summary>
    public static string ToWire(this TriggerKind trigger) => trigger switch
    {
        TriggerKind.Http => "http",
        TriggerKind.Api => "api",
        _ => "destination",
    };

    /// <summary>Reads a kind written by <see cref="ToWire(InvocationKind)"/>.</summary>
    /// <exception cref="FormatException">The name is no kind.</exception>
    public static InvocationKind ParseKind(string name) => name switch
    {
        "synchronous" => InvocationKind.Synchronous,
        "asynchronous" => InvocationKind.Asynchronous,
        _ => throw new FormatException($"'{name}' is no invocation kind; expected synchronous or asynchronous."),
    };

    /// <summary>Reads a trigger written by <see cref="ToWire(TriggerKind)"/>.</summary>
    /// <exception cref="FormatException">The name is no trigger.</exception>
    public static TriggerKind ParseTrigger(string name) => name switch
    {
        "http" => TriggerKind.Http,
        "api" => TriggerKind.Api,
        "destination" => TriggerKind.Destination,
        _ => throw new FormatException($"'{name}' is no trigger; expected http, api or destination."),
    };
}
