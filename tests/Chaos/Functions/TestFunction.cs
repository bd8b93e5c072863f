namespace FaasCluster.Chaos.Functions;

/// <summary>A function of the run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="FileName">The source file's name.</param>
/// <param name="Source">The source.</param>
/// <param name="Manifest">function.yaml.</param>
internal sealed record TestFunction(string Name, string FileName, string Source, string Manifest)
{
    /// <summary>How an asynchronous invocation of it must end.</summary>
    public string EndState { get; init; } = "succeeded";

    /// <summary>Times that a handler fails before it answers; the event says so.</summary>
    public int MostFailures { get; init; }

    /// <summary>How long the handler may sleep, in ms.</summary>
    public int MostMilliseconds { get; init; }

    /// <summary>Bytes of data in an event, at most.</summary>
    public int MostBytes { get; init; } = 2_000;

    /// <summary>How often asynchronous callers choose it, among the others' shares.</summary>
    public int AsynchronousShare { get; init; }

    /// <summary>The same of synchronous callers.</summary>
    public int SynchronousShare { get; init; }
}
