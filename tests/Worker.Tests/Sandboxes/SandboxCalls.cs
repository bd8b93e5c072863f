using System.Diagnostics.CodeAnalysis;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Runs without a caller who takes an answer in pieces: it is collected, as for an asynchronous invocation.</summary>
internal static class SandboxCalls
{
    public static Task<ExecutionOutcome> InvokeAsync([NotNull] this ISandbox? sandbox, InvocationMessage message, IExecutionLog log, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(sandbox);
        return InvokeCollectedAsync(sandbox, message, log, cancellationToken);
    }

    private static async Task<ExecutionOutcome> InvokeCollectedAsync(ISandbox sandbox, InvocationMessage message, IExecutionLog log, CancellationToken cancellationToken)
    {
        using var kill = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var response = new ResponseStream(_ => null, _ => throw new InvalidOperationException("Nobody takes pieces."), limit: 0, kill.Cancel);
        var outcome = await sandbox.InvokeAsync(message, log, response, kill.Token);
        return response.Problem is { } problem ? outcome with { Error = problem, Result = null } : outcome;
    }
}
