using System.Diagnostics;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>Gets sandboxes: from the pool of pre-booted ones, or by booting.</summary>
internal interface ISandboxFactory
{
    /// <summary>Runtimes that this worker can run, known when <see cref="WhenReadyAsync"/> has returned.</summary>
    IReadOnlyList<string> Runtimes { get; }

    /// <summary>Why functions cannot be connected to the outside here, and what to do; null if they can. Known as <see cref="Runtimes"/> is.</summary>
    string? EgressProblem { get; }

    /// <summary>
    /// Returns when leftovers are swept, the canary has ended and the first sandboxes are booted. Null if sandboxes are tight;
    /// else what is wrong and what to do: the worker must not take work then.
    /// </summary>
    Task<string?> WhenReadyAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Gets a sandbox and loads the revision into it. Expected failures (init error, init timeout, out of memory while
    /// loading, damaged package, sandbox that will not start) are values; nothing is left behind then.
    /// </summary>
    /// <param name="revision">What to load.</param>
    /// <param name="log">Receives what the code prints while it is loaded.</param>
    /// <param name="cancellationToken">Gives up; what was started is ended.</param>
    Task<SandboxStart> StartAsync(FunctionRevision revision, IExecutionLog log, CancellationToken cancellationToken);
}

/// <summary>How getting a sandbox ended. Exactly one of sandbox and error is set.</summary>
internal sealed record SandboxStart
{
    /// <summary>The sandbox, loaded and idle.</summary>
    public ISandbox? Sandbox { get; init; }

    /// <summary>Why there is none.</summary>
    public InvocationError? Error { get; init; }

    /// <summary>Getting a booted sandbox.</summary>
    public required TimeSpan Start { get; init; }

    /// <summary>Loading the code.</summary>
    public required TimeSpan Init { get; init; }

    /// <summary>CPU used by loading, where the kernel tells it.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>Peak memory while loading, where the kernel tells it.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>One that ended before any code ran.</summary>
    /// <param name="error">Why.</param>
    /// <param name="started">When it began, by the monotonic clock.</param>
    public static SandboxStart Failed(InvocationError error, long started) =>
        new() { Error = error, Start = Stopwatch.GetElapsedTime(started), Init = TimeSpan.Zero };
}

/// <summary>
/// One process tree that runs one revision of one function, one invocation at a time. Disposing kills everything in it and
/// returns when processes, cgroup and directories are gone.
/// </summary>
internal interface ISandbox : IAsyncDisposable
{
    /// <summary>What is loaded.</summary>
    FunctionRevision Revision { get; }

    /// <summary>False after a kill, a protocol error, the process's end, or at the maximum of age or uses: dispose it.</summary>
    bool IsUsable { get; }

    /// <summary>
    /// Runs one invocation until it ends or its timeout passes (then everything in the sandbox is killed). Never throws for
    /// what the function does.
    /// </summary>
    /// <param name="message">The invocation; its body is there also if it was stored.</param>
    /// <param name="log">Receives what the function prints during this invocation.</param>
    /// <param name="response">Takes an answer that comes in pieces.</param>
    /// <param name="cancellationToken">Kills the run; the outcome is then <see cref="ErrorCode.Cancelled"/>.</param>
    Task<ExecutionOutcome> InvokeAsync(InvocationMessage message, IExecutionLog log, IResponseStream response, CancellationToken cancellationToken);

    /// <summary>
    /// Returns when the sandbox can take another invocation, whose caller then waits for nothing that the last one left undone; false if
    /// it never will: dispose it. Called after every run, when its outcome is on its way.
    /// </summary>
    ValueTask<bool> SettleAsync(CancellationToken cancellationToken) => ValueTask.FromResult(IsUsable);
}

/// <summary>How one run ended. Exactly one of result and error is set.</summary>
internal sealed record ExecutionOutcome
{
    /// <summary>What the function answered.</summary>
    public InvocationResult? Result { get; init; }

    /// <summary>Why it did not.</summary>
    public InvocationError? Error { get; init; }

    /// <summary>The run, by a monotonic clock outside the sandbox.</summary>
    public required TimeSpan Run { get; init; }

    /// <summary>CPU used by the whole sandbox during the run, where the kernel tells it.</summary>
    public TimeSpan? CpuTime { get; init; }

    /// <summary>Peak memory of the run, where the kernel tells it.</summary>
    public long? PeakMemoryBytes { get; init; }
}

/// <summary>Where the lines of one invocation go. Called from one thread at a time; must not block.</summary>
internal interface IExecutionLog
{
    /// <summary>One line without its end.</summary>
    /// <param name="stream">"stdout", "stderr" or "platform".</param>
    /// <param name="line">UTF-8 bytes as the function wrote them, valid or not; only valid during the call.</param>
    void Write(string stream, ReadOnlySpan<byte> line);
}
