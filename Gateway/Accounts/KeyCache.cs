using System.Collections.Concurrent;
using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.Invocations;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Accounts;

/// <summary>
/// Remembers for a short time which account a key belongs to, and that a key belongs to none. While the store is away, what
/// it said in the last minutes still holds.
/// </summary>
internal sealed class KeyCache(IAccountStore store, IOptions<GatewayOptions> options, TimeProvider time)
{
    private const int Capacity = 10_000;
    private static readonly TimeSpan UnknownTime = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan OutageTime = TimeSpan.FromMinutes(5);
    private readonly ConcurrentDictionary<KeyDigest, Entry> entries = new();

    /// <summary>The ticket of the key's account; null if the key is unknown.</summary>
    /// <exception cref="StoreUnavailableException">The store is away and the key was not seen lately.</exception>
    public ValueTask<AuthenticationTicket?> FindAsync(string key, CancellationToken cancellationToken)
    {
        if (key.Length > ApiKey.MaximumLength)
        {
            return ValueTask.FromResult<AuthenticationTicket?>(null);
        }

        var digest = ApiKey.Digest(key);
        return entries.TryGetValue(digest, out var entry) && time.GetElapsedTime(entry.LoadedAt) < Lifetime(entry)
            ? ValueTask.FromResult(entry.Ticket)
            : LoadAsync(digest, entry, cancellationToken);
    }

    private TimeSpan Lifetime(Entry entry) => entry.Ticket is null ? UnknownTime : options.Value.KeyCacheTime;

    private async ValueTask<AuthenticationTicket?> LoadAsync(KeyDigest digest, Entry? known, CancellationToken cancellationToken)
    {
        string? accountId;
        try
        {
            accountId = await store.FindAccountByKeyAsync(digest.ToHex(), cancellationToken);
        }
        catch (StoreUnavailableException) when (known?.Ticket is not null && time.GetElapsedTime(known.LoadedAt) < OutageTime)
        {
            return known.Ticket;
        }

        // Guessed keys must not fill the memory; starting again costs one look-up per key in use.
        if (entries.Count >= Capacity)
        {
            entries.Clear();
        }

        var ticket = accountId is null ? null : new AuthenticationTicket(new AccountPrincipal(accountId), ApiKeyHandler.SchemeName);
        entries[digest] = new Entry(ticket, time.GetTimestamp());
        return ticket;
    }

    private sealed record Entry(AuthenticationTicket? Ticket, long LoadedAt);
}
