using System.Globalization;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes.Frames;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>The errors that sandboxes end in, in words.</summary>
internal static class Failures
{
    private const int MostFrames = 50;

    public static InvocationError Of(ErrorCode code, string message) => new() { Code = code, Message = Cut(message) };

    public static InvocationError Timeout(FunctionManifest manifest) =>
        Of(ErrorCode.Timeout, $"The function ran longer than its timeout of {Seconds(manifest.Timeout)} and was killed.");

    public static InvocationError InitTimeout(FunctionManifest manifest) =>
        Of(ErrorCode.InitTimeout, $"Loading the function took longer than its initTimeout of {Seconds(manifest.InitTimeout)}; it was killed.");

    public static InvocationError OutOfMemory(FunctionManifest manifest) =>
        Of(ErrorCode.OutOfMemory, $"The function needed more than its {manifest.MemoryBytes >> 20} MB of memory (files in /tmp count) and was killed. Raise 'memory' in its manifest.");

    public static InvocationError Exited(ProcessExit exit, string? lastLine = null) => new()
    {
        Code = ErrorCode.ProcessExited,
        Message = Cut($"The function's process {exit}{(exit.Status == 0 || lastLine is null ? " before it answered" : "")}.{(lastLine is null ? "" : " It said: " + lastLine)}"),
        Advice = ExitAdvice.Read(exit, lastLine),
    };

    public static InvocationError ResponseTooLarge() =>
        Of(ErrorCode.ResponseTooLarge, $"The function's answer is larger than {Limits.SynchronousPayloadBytes} bytes.");

    public static InvocationError Raised(ErrorCode code, ErrorHeader header) => new()
    {
        // Python says it by an exception where the limit is that of the process, .NET where its heap has reached its part of it.
        Code = header.Type is "MemoryError" or "System.OutOfMemoryException" ? ErrorCode.OutOfMemory : code,
        Type = string.IsNullOrEmpty(header.Type) ? null : Cut(header.Type),
        Message = Cut(header.Message),
        StackTrace = [.. (header.StackTrace ?? []).TakeLast(MostFrames).Select(Cut)],
        Advice = header.DoNotRetry ? RetryAdvice.Never : header.RetryAfterSeconds is { } seconds ? RetryAdvice.After(seconds) : null,
    };

    private static string Cut(string? text) => text is null ? "" : text.Length <= Limits.ErrorMessageLength ? text : text[..Limits.ErrorMessageLength];

    private static string Seconds(TimeSpan span) => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###} s");
}
