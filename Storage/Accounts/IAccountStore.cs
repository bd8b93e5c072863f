namespace FaasCluster.Storage.Accounts;

/// <summary>Accounts and their API keys. Keys are kept as SHA-256 only.</summary>
public interface IAccountStore
{
    /// <summary>Makes the default account if it is not there.</summary>
    Task EnsureDefaultAsync(CancellationToken cancellationToken);

    /// <summary>Adds a key to an account; does nothing if the same key is there.</summary>
    /// <param name="accountId">The account.</param>
    /// <param name="name">For people.</param>
    /// <param name="keySha256">64 lower-case hex digits.</param>
    /// <param name="cancellationToken">Ends the statement.</param>
    Task AddKeyAsync(string accountId, string name, string keySha256, CancellationToken cancellationToken);

    /// <summary>The account that a key belongs to; null if it is unknown.</summary>
    Task<string?> FindAccountByKeyAsync(string keySha256, CancellationToken cancellationToken);
}
