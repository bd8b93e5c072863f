using System.Collections.Concurrent;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Synchronous calls that this gateway waits for: nobody else can answer for them before they end.</summary>
internal sealed class InFlightCalls(TimeProvider time) : IControlBusHandler<InvocationCancelled>
{
    private readonly ConcurrentDictionary<Guid, Call> calls = new();

    /// <summary>Begins to wait. Dispose it when the wait is over.</summary>
    public Call Begin(InvocationMessage message, string functionName, CancellationToken cancellationToken)
    {
        var call = new Call(this, message, functionName, cancellationToken);
        calls[message.InvocationId] = call;
        return call;
    }

    /// <summary>Ends a wait whose invocation is still being ended by its worker: until that is recorded, it is known here.</summary>
    public async Task EndLaterAsync(Call call, TimeSpan margin)
    {
        await Task.Delay(margin, time);
        call.Dispose();
    }

    public AcceptedInvocation? Find(Guid invocationId) =>
        calls.TryGetValue(invocationId, out var call) ? new AcceptedInvocation { Message = call.Message, FunctionName = call.FunctionName } : null;

    /// <summary>Ends the wait for a call that is recorded as cancelled, so that its caller is answered now, wherever the call is.</summary>
    public void Cancel(Guid invocationId)
    {
        if (calls.TryGetValue(invocationId, out var call))
        {
            call.Cancel();
        }
    }

    public Task HandleAsync(InvocationCancelled message, CancellationToken cancellationToken)
    {
        Cancel(message.InvocationId);
        return Task.CompletedTask;
    }

    /// <summary>One call.</summary>
    internal sealed class Call(InFlightCalls owner, InvocationMessage message, string functionName, CancellationToken cancellationToken) : IDisposable
    {
        private readonly CancellationTokenSource source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        public InvocationMessage Message => message;

        public string FunctionName => functionName;

        /// <summary>Ends the wait: the caller left, or the invocation is cancelled.</summary>
        public CancellationToken Token => source.Token;

        public void Cancel()
        {
            try
            {
                source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has its answer.
            }
        }

        public void Dispose()
        {
            owner.calls.TryRemove(KeyValuePair.Create(message.InvocationId, this));
            source.Dispose();
        }
    }
}
