using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Idempotency;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Idempotency;

/// <summary>
/// Decides what becomes of a request that names itself by a key: it is carried out once, and whoever sends it again is told of the
/// invocation that it became.
/// </summary>
internal sealed class IdempotencyGate(
    IIdempotencyStore keys, IInvocationStore invocations, IOptions<GatewayOptions> options, TimeProvider time, ILogger<IdempotencyGate> logger)
{
    // Twice what a publisher confirm may take: within it the gateway that has the key publishes and says so, or is gone.
    private static readonly TimeSpan AcceptTime = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(50);

    /// <summary>The claim of a request.</summary>
    public IdempotencyClaim Claim(HttpContext context, FunctionRevision revision, InvocationMessage message, string key)
    {
        var now = time.GetUtcNow();
        var manifest = revision.Manifest;
        var busy = message.Kind == InvocationKind.Asynchronous
            ? AcceptTime
            : manifest.WaitTimeout + manifest.InitTimeout + manifest.Timeout + (2 * options.Value.AnswerMargin);
        return new IdempotencyClaim
        {
            FunctionId = revision.FunctionId,
            AccountId = revision.AccountId,
            KeySha256 = RequestDigest.OfKey(context, key),
            RequestSha256 = RequestDigest.Of(context.Request, message),
            InvocationId = message.InvocationId,
            BusyUntil = now + busy,
            ExpiresAt = now + options.Value.IdempotencyTime,
        };
    }

    /// <summary>Enters an asynchronous request. While another one with its key is being accepted it waits.</summary>
    public async Task<IdempotencyVerdict> EnterAsync(IdempotencyClaim claim, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await keys.ClaimAsync(claim, cancellationToken) is not { } found)
            {
                return IdempotencyVerdict.CarryOut(claim);
            }

            if (found.RequestSha256 != claim.RequestSha256)
            {
                return IdempotencyVerdict.OtherRequest(found.InvocationId);
            }

            if (found.IsConfirmed || await invocations.FindAsync(claim.AccountId, found.InvocationId, cancellationToken) is not null)
            {
                return IdempotencyVerdict.Accepted(found.InvocationId);
            }

            // Nothing is known of it, so it is published again, by the same id: should it have been published before, one record comes of it.
            var again = claim with { InvocationId = found.InvocationId };
            if (time.GetUtcNow() >= found.BusyUntil && await keys.TakeOverAsync(Renewed(again), found, cancellationToken))
            {
                return IdempotencyVerdict.CarryOut(again);
            }

            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    /// <summary>Enters a synchronous request. While another one with its key may still be answered, it is not repeated.</summary>
    public async Task<IdempotencyVerdict> EnterCallAsync(IdempotencyClaim claim, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await keys.ClaimAsync(claim, cancellationToken) is not { } found)
            {
                return IdempotencyVerdict.CarryOut(claim);
            }

            if (found.RequestSha256 != claim.RequestSha256)
            {
                return IdempotencyVerdict.OtherRequest(found.InvocationId);
            }

            if (await invocations.FindAsync(claim.AccountId, found.InvocationId, cancellationToken) is { } details && details.Summary.State.IsTerminal())
            {
                return IdempotencyVerdict.Answered(details);
            }

            if (time.GetUtcNow() < found.BusyUntil)
            {
                return IdempotencyVerdict.Busy(found.InvocationId);
            }

            // No gateway waits for it any more, and nobody recorded it: it never ran, or nobody will ever know.
            if (await keys.TakeOverAsync(claim, found, cancellationToken))
            {
                return IdempotencyVerdict.CarryOut(claim);
            }
        }
    }

    /// <summary>The invocation is safe.</summary>
    public Task ConfirmAsync(IdempotencyClaim? claim) => TellAsync(claim, keys.ConfirmAsync);

    /// <summary>It was certainly not carried out.</summary>
    public Task ReleaseAsync(IdempotencyClaim? claim) => TellAsync(claim, keys.ReleaseAsync);

    /// <summary>Whether it was carried out is not known.</summary>
    public Task GiveUpAsync(IdempotencyClaim? claim) => TellAsync(claim, keys.GiveUpAsync);

    // What cannot be told only makes the next request with the key look for itself, or wait.
    private async Task TellAsync(IdempotencyClaim? claim, Func<IdempotencyClaim, CancellationToken, Task> tell)
    {
        if (claim is null)
        {
            return;
        }

        try
        {
            await tell(claim, CancellationToken.None);
        }
        catch (StoreUnavailableException exception)
        {
            Log.KeyNotSettled(logger, claim.InvocationId, exception.Message);
        }
    }

    private IdempotencyClaim Renewed(IdempotencyClaim claim) => claim with { BusyUntil = time.GetUtcNow() + AcceptTime };
}
