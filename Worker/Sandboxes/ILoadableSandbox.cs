namespace FaasCluster.Worker.Sandboxes;

/// <summary>A sandbox that was booted before it knew its function: what <see cref="SandboxLoader"/> needs of every runtime's.</summary>
internal interface ILoadableSandbox : ISandbox
{
    /// <summary>Loads the revision, once, before anything else. If the outcome has an error: dispose the sandbox.</summary>
    /// <param name="log">Receives what the code prints while it is loaded.</param>
    /// <param name="cancellationToken">Kills it.</param>
    Task<ExecutionOutcome> LoadAsync(IExecutionLog log, CancellationToken cancellationToken);
}
