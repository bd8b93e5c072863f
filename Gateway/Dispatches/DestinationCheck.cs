using FaasCluster.Contracts.Functions;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>
/// Refuses manifests with connections that this installation does not have, when they are deployed rather than when something failed.
/// A function that is missing is no error: it may be deployed later.
/// </summary>
internal sealed class DestinationCheck(IOptions<DispatchOptions> options)
{
    /// <summary>What is wrong; empty if nothing is.</summary>
    public IReadOnlyList<FieldError> Check(string accountId, FunctionManifest manifest) =>
        [.. Check(accountId, "onSuccess", manifest.OnSuccess), .. Check(accountId, "onFailure", manifest.OnFailure)];

    /// <summary>The connection that an account calls by this name; null if it has none.</summary>
    public QueueConnectionOptions? Find(string accountId, string name) =>
        options.Value.Connections.TryGetValue(name, out var connection) && (connection.Accounts.Count == 0 || connection.Accounts.Contains(accountId)) ? connection : null;

    private IEnumerable<FieldError> Check(string accountId, string field, Destination? destination)
    {
        if (destination?.Connection is not { } name || Find(accountId, name) is not null)
        {
            yield break;
        }

        var known = options.Value.Connections.Keys.Where(key => Find(accountId, key) is not null).Order(StringComparer.Ordinal).ToArray();
        yield return new($"{field}.connection", known.Length == 0
            ? $"'{name}' is no connection of this installation, which has none; ask its operator to configure Destinations:Connections:{name}:Uri."
            : $"'{name}' is no connection of this installation; expected {string.Join(", ", known)}, or ask its operator to configure Destinations:Connections:{name}:Uri.");
    }
}
