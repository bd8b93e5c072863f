using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests;

/// <summary>Records with sensible values, of which a test changes what it is about.</summary>
public static class Sample
{
    public static readonly Guid FunctionId = Guid.CreateVersion7();

    public static InvocationMessage Message(DateTimeOffset? at = null, string account = WellKnownAccounts.Default)
    {
        var accepted = at ?? DateTimeOffset.UtcNow;
        return new InvocationMessage
        {
            InvocationId = Guid.CreateVersion7(accepted),
            FunctionId = FunctionId,
            Revision = 1,
            AccountId = account,
            Kind = InvocationKind.Asynchronous,
            Trigger = TriggerKind.Api,
            AcceptedAt = accepted,
            DueAt = accepted,
            Deadline = accepted.AddHours(6),
            ContentType = "application/json",
            Body = "{}"u8.ToArray(),
        };
    }

    public static AcceptedInvocation Accepted(InvocationMessage message, string function = "hello") => new() { Message = message, FunctionName = function };

    public static AttemptRecord Success(InvocationMessage message, string function = "hello") => new()
    {
        Message = message,
        FunctionName = function,
        MemoryBytes = 256L << 20,
        State = InvocationState.Succeeded,
        Result = new InvocationResult { Body = "\"hi\""u8.ToArray() },
        StartedAt = message.DueAt.AddMilliseconds(2),
        EndedAt = message.DueAt.AddMilliseconds(9),
        Timings = new InvocationTimings
        {
            Queue = TimeSpan.FromMilliseconds(2),
            Start = TimeSpan.FromMilliseconds(1),
            Init = TimeSpan.FromMilliseconds(1.5),
            Run = TimeSpan.FromMilliseconds(4.5),
        },
        ColdStart = true,
        PeakMemoryBytes = 12_345_678,
        CpuTime = TimeSpan.FromMicroseconds(3_210),
        WorkerId = "worker-1",
        Bill = new Bill { BilledMilliseconds = 6, GigabyteSeconds = 0.0015m, Cost = 0.000000225m, PriceVersion = "default-1" },
    };

    /// <summary>A failed attempt after which the invocation ends.</summary>
    public static AttemptRecord Failure(InvocationMessage message, string function = "hello") => Success(message, function) with
    {
        State = InvocationState.Failed,
        Result = null,
        Error = new InvocationError { Code = ErrorCode.FunctionError, Type = "ValueError", Message = "no" },
    };

    /// <summary>A failed attempt after which another one is due.</summary>
    public static AttemptRecord Retry(InvocationMessage message, DateTimeOffset due, string function = "hello") => Failure(message, function) with
    {
        State = InvocationState.Queued,
        NextAttempt = message with { Attempt = message.Attempt + 1, DueAt = due },
    };
}
