using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Sql;

namespace FaasCluster.Storage.Invocations;

/// <summary>The parameters of the statements that mark a start.</summary>
internal sealed record StartValues(
    Guid InvocationId,
    string AccountId,
    Guid FunctionId,
    string FunctionName,
    int Revision,
    string Kind,
    string Trigger,
    int Attempt,
    DateTimeOffset AcceptedAt,
    DateTimeOffset DueAt,
    DateTimeOffset Deadline,
    bool BodyIsStored,
    int Depth,
    Guid? CausedBy,
    string? Callback,
    bool SuppressDestinations,
    string WorkerId,
    DateTimeOffset Now)
{
    public static StartValues Of(InvocationMessage message, string functionName, string workerId, DateTimeOffset now) => new(
        message.InvocationId,
        Stored.Text(message.AccountId),
        message.FunctionId,
        Stored.Text(functionName),
        message.Revision,
        message.Kind.ToWire(),
        message.Trigger.ToWire(),
        message.Attempt,
        message.AcceptedAt,
        message.DueAt,
        message.Deadline,
        message.BodyIsStored,
        message.Depth,
        message.CausedBy,
        message.Callback is { } callback ? Stored.Text(callback.AbsoluteUri) : null,
        message.SuppressDestinations,
        Stored.Text(workerId),
        now);
}
