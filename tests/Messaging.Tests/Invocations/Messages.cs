using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Makes invocations and answers.</summary>
internal static class Messages
{
    public static InvocationMessage Call(Guid functionId, TimeSpan? wait = null, byte[]? body = null) => new()
    {
        InvocationId = Guid.CreateVersion7(),
        FunctionId = functionId,
        Revision = 1,
        AccountId = "default",
        Kind = InvocationKind.Synchronous,
        Trigger = TriggerKind.Api,
        AcceptedAt = DateTimeOffset.UtcNow,
        DueAt = DateTimeOffset.UtcNow,
        Deadline = DateTimeOffset.UtcNow + (wait ?? TimeSpan.FromMinutes(3)),
        Body = body ?? "event"u8.ToArray(),
    };

    public static InvocationMessage Event(Guid functionId, byte[]? body = null) =>
        Call(functionId, TimeSpan.FromHours(6), body) with { Kind = InvocationKind.Asynchronous };

    public static InvocationReply Answer(IDelivery delivery, string workerId = "", byte[]? body = null) => new()
    {
        InvocationId = delivery.Message!.InvocationId,
        Result = new InvocationResult { Body = body ?? delivery.Message.Body },
        Timings = new InvocationTimings { Run = TimeSpan.FromMilliseconds(1) },
        WorkerId = workerId,
    };

    public static void AssertSame(InvocationMessage expected, InvocationMessage actual)
    {
        Assert.Equal(expected.Body.Span, actual.Body.Span);
        Assert.Equal(expected.Http?.Headers, actual.Http?.Headers);
        var http = expected.Http is null ? null : actual.Http! with { Headers = expected.Http.Headers };
        Assert.Equal(expected, actual with { Body = expected.Body, Http = http });
    }
}
