using System.Text;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Dispatches;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Turns invocations into the API's documents.</summary>
internal static class InvocationDescriptions
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    public static InvocationDescription Describe(InvocationSummary summary) => new()
    {
        Id = summary.InvocationId,
        Function = summary.FunctionName,
        Revision = summary.Revision,
        Kind = summary.Kind.ToWire(),
        Trigger = summary.Trigger.ToWire(),
        State = summary.State.ToWire(),
        Attempt = summary.Attempt,
        AcceptedAt = summary.AcceptedAt,
        DueAt = summary.State == InvocationState.Queued && summary.DueAt > summary.AcceptedAt ? summary.DueAt : null,
        EndedAt = summary.EndedAt,
        CausedBy = summary.CausedBy,
        Depth = summary.Depth == 0 ? null : summary.Depth,
        Error = summary.ErrorCode is { } code
            ? new ErrorDescription
            {
                Code = code.ToWire(),
                Fault = ProblemAnswer.FaultName(code.Describe().Fault),
                Type = summary.ErrorType,
                Message = summary.ErrorMessage,
            }
            : null,
        RedriveOf = summary.RedriveOf,
        ReplayOf = summary.ReplayOf,
    };

    public static InvocationDescription Describe(InvocationDetails details, string currency) => Describe(details.Summary) with
    {
        Attempts = [.. details.Attempts.Select(attempt => Describe(attempt, currency))],
        Result = details.Result is { } result ? Describe(result) : null,
        Dispatches = details.Dispatches.Count == 0 ? null : [.. details.Dispatches.Select(DispatchDescriptions.Describe)],
        DeadLetter = details.DeadLetter?.ToWire(),
        RedrivenAs = details.RedrivenAs,
        Replays = details.Replays.Count == 0 ? null : details.Replays,
    };

    /// <summary>One that is not in the store yet.</summary>
    public static InvocationDescription Describe(AcceptedInvocation waiting) => new()
    {
        Id = waiting.Message.InvocationId,
        Function = waiting.FunctionName,
        Revision = waiting.Message.Revision,
        Kind = waiting.Message.Kind.ToWire(),
        Trigger = waiting.Message.Trigger.ToWire(),
        State = InvocationState.Queued.ToWire(),
        Attempt = waiting.Message.Attempt,
        AcceptedAt = waiting.Message.AcceptedAt,
        Attempts = [],
    };

    public static AttemptDescription Describe(RecordedAttempt attempt, string currency) => new()
    {
        Attempt = attempt.Attempt,
        Error = attempt.ErrorCode?.ToWire(),
        StartedAt = attempt.StartedAt,
        EndedAt = attempt.EndedAt,
        QueueMs = attempt.Timings.Queue.TotalMilliseconds,
        StartMs = attempt.Timings.Start.TotalMilliseconds,
        InitMs = attempt.Timings.Init.TotalMilliseconds,
        RunMs = attempt.Timings.Run.TotalMilliseconds,
        Cold = attempt.ColdStart,
        MemoryMb = attempt.MemoryBytes >> 20,
        PeakMemoryMb = attempt.PeakMemoryBytes is { } peak ? Math.Round(peak / 1048576.0, 1) : null,
        CpuMs = attempt.CpuTime?.TotalMilliseconds,
        Worker = attempt.WorkerId,
        BilledMs = attempt.BilledMilliseconds,
        GbSeconds = attempt.GigabyteSeconds,
        Cost = attempt.Cost,
        Currency = currency,
        TraceId = TraceContext.TraceIdOf(attempt.TraceParent),
    };

    private static ResultDescription Describe(InvocationResult result)
    {
        var text = TryText(result.Body.Span);
        return new ResultDescription
        {
            Status = result.HttpStatus,
            ContentType = result.ContentType,
            Text = text,
            Base64 = text is null ? Convert.ToBase64String(result.Body.Span) : null,
        };
    }

    /// <summary>Text is what reads as text: valid UTF-8 without a NUL, whatever the content type claims. Null for what is none.</summary>
    public static string? TryText(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Contains((byte)0))
        {
            return null;
        }

        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
