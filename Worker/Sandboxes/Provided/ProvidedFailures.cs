using System.Globalization;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>The errors of Lambda programs that did not answer themselves, in AWS's types and words: tools and tests look for them.</summary>
internal static class ProvidedFailures
{
    /// <summary>The process ended.</summary>
    /// <param name="exit">How.</param>
    /// <param name="id">The invocation that it ran; null while it was starting.</param>
    public static InvocationError Exited(ProcessExit exit, string? id) => new()
    {
        Code = id is null ? ErrorCode.InitError : ErrorCode.ProcessExited,
        Type = "Runtime.ExitError",
        Message = Prefix(id) + exit.Status switch
        {
            0 => "Runtime exited without providing a reason",
            > 128 and <= 128 + 64 => $"Runtime exited with error: signal: {SignalName(exit.Status - 128)}",
            var status => string.Create(CultureInfo.InvariantCulture, $"Runtime exited with error: exit status {status}"),
        },
        Advice = id is null ? null : ExitAdvice.Read(exit, lastLine: null),
    };

    /// <summary>It ran into its timeout.</summary>
    public static InvocationError TimedOut(FunctionManifest manifest, string id) => new()
    {
        Code = ErrorCode.Timeout,
        Type = "Sandbox.Timedout",
        Message = Prefix(id) + string.Create(CultureInfo.InvariantCulture, $"Task timed out after {manifest.Timeout.TotalSeconds:0.00} seconds"),
    };

    /// <summary>It answered with more than can be passed on.</summary>
    public static InvocationError ResponseTooLarge() => new()
    {
        Code = ErrorCode.ResponseTooLarge,
        Type = "Function.ResponseSizeTooLarge",
        Message = $"Response payload size exceeded maximum allowed payload size ({Limits.SynchronousPayloadBytes} bytes).",
    };

    /// <summary>Its answer ended before the length that it had said.</summary>
    public static InvocationError Truncated(string id) => new()
    {
        Code = ErrorCode.ProtocolError,
        Type = "Runtime.TruncatedResponse",
        Message = Prefix(id) + "The connection ended before the whole answer was sent.",
    };

    /// <summary>It asked for a way to answer that does not exist.</summary>
    public static InvocationError InvalidResponseMode(string id) => new()
    {
        Code = ErrorCode.ProtocolError,
        Type = "Runtime.InvalidResponseModeHeader",
        Message = Prefix(id) + "Lambda-Runtime-Function-Response-Mode is neither 'streaming' nor left out.",
    };

    /// <summary>There is nothing to start, or it cannot be started.</summary>
    public static InvocationError InvalidEntrypoint(string problem) => new() { Code = ErrorCode.InitError, Type = "Runtime.InvalidEntrypoint", Message = problem };

    private static string Prefix(string? id) => id is null ? "" : $"RequestId: {id} Error: ";

    // As Go, in which AWS's side is written, calls them.
    private static string SignalName(int signal) => signal switch
    {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        _ => string.Create(CultureInfo.InvariantCulture, $"signal {signal}"),
    };
}
