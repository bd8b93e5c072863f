namespace FaasCluster.Storage.Idempotency;

/// <summary>The keys by which callers name their requests, so that one that is sent again is not carried out again.</summary>
public interface IIdempotencyStore
{
    /// <summary>Takes a key for an invocation that is about to be made.</summary>
    /// <returns>Null if it was free, or had expired; else what it stands for.</returns>
    Task<IdempotencyEntry?> ClaimAsync(IdempotencyClaim claim, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a key over from whoever claimed it and left nothing behind. False if the entry is not any more what was seen: somebody else
    /// was faster.
    /// </summary>
    Task<bool> TakeOverAsync(IdempotencyClaim claim, IdempotencyEntry seen, CancellationToken cancellationToken);

    /// <summary>Notes that the invocation of a claim is safe.</summary>
    Task ConfirmAsync(IdempotencyClaim claim, CancellationToken cancellationToken);

    /// <summary>Makes the key free again: the request was certainly not carried out. Nothing if it is not the claim's any more.</summary>
    Task ReleaseAsync(IdempotencyClaim claim, CancellationToken cancellationToken);

    /// <summary>Whether the request was carried out is not known: whoever sends it again need not wait. Nothing if it is not the claim's any more.</summary>
    Task GiveUpAsync(IdempotencyClaim claim, CancellationToken cancellationToken);
}

/// <summary>A request that names itself by a key.</summary>
public sealed record IdempotencyClaim
{
    /// <summary>The function that is called.</summary>
    public required Guid FunctionId { get; init; }

    /// <summary>Its account.</summary>
    public required string AccountId { get; init; }

    /// <summary>SHA-256 of the key and of whom it belongs to, lower-case hex.</summary>
    public required string KeySha256 { get; init; }

    /// <summary>SHA-256 of what is asked for, lower-case hex.</summary>
    public required string RequestSha256 { get; init; }

    /// <summary>The invocation that it becomes.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>How long whoever makes the invocation may be at it.</summary>
    public required DateTimeOffset BusyUntil { get; init; }

    /// <summary>When the key is forgotten.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>What a key stands for.</summary>
public sealed record IdempotencyEntry
{
    /// <summary>The invocation that the first request with it became.</summary>
    public required Guid InvocationId { get; init; }

    /// <summary>What that request asked for.</summary>
    public required string RequestSha256 { get; init; }

    /// <summary>True if the invocation is known to be safe.</summary>
    public required bool IsConfirmed { get; init; }

    /// <summary>How long whoever makes the invocation may be at it.</summary>
    public required DateTimeOffset BusyUntil { get; init; }
}
