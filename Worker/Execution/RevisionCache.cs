using System.Collections.Concurrent;
using FaasCluster.Contracts.Functions;
using FaasCluster.Storage.Functions;

namespace FaasCluster.Worker.Execution;

/// <summary>Revisions never change, so each is asked for once.</summary>
internal sealed class RevisionCache(IFunctionStore functions)
{
    private const int MostEntries = 10_000;

    private readonly ConcurrentDictionary<(Guid FunctionId, int Revision), FunctionRevision> known = new();

    /// <summary>The revision, or null if it never was.</summary>
    public ValueTask<FunctionRevision?> FindAsync(Guid functionId, int revision, CancellationToken cancellationToken) =>
        known.TryGetValue((functionId, revision), out var found) ? new(found) : new(AskAsync(functionId, revision, cancellationToken));

    /// <summary>The current revision, asked for anew; null if the function is deleted.</summary>
    public Task<FunctionRevision?> FindCurrentAsync(Guid functionId, CancellationToken cancellationToken) => functions.FindCurrentAsync(functionId, cancellationToken);

    private async Task<FunctionRevision?> AskAsync(Guid functionId, int revision, CancellationToken cancellationToken)
    {
        var found = await functions.FindRevisionAsync(functionId, revision, cancellationToken);
        if (found is not null)
        {
            if (known.Count >= MostEntries)
            {
                known.Clear();
            }

            known[(functionId, revision)] = found;
        }

        return found;
    }
}
