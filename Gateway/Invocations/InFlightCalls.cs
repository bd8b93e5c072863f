using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Synchronous calls that this gateway waits for: nobody else can answer for them before they end.</summary>
internal sealed class InFlightCalls
{
    private readonly ConcurrentDictionary<Guid, (InvocationMessage Message, string FunctionName)> calls = new();

    public void Add(InvocationMessage message, string functionName) => calls[message.InvocationId] = (message, functionName);

    public void Remove(Guid invocationId) => calls.TryRemove(invocationId, out _);

    public AcceptedInvocation? Find(Guid invocationId) =>
        calls.TryGetValue(invocationId, out var call) ? new AcceptedInvocation { Message = call.Message, FunctionName = call.FunctionName } : null;
}
