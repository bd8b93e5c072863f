using System.Security.Cryptography;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Storage.Idempotency;

namespace FaasCluster.Storage.Tests.Idempotency;

/// <summary>Keys of callers: one invocation for each, whoever asks and how often.</summary>
public abstract class IdempotencyConformance(StoreBackend backend) : Conformance(backend)
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private IIdempotencyStore Keys => Node.Get<IIdempotencyStore>();

    [Fact]
    public async Task Claim_OfAKeyThatIsTaken_SaysByWhat()
    {
        var first = Claim();
        var second = first with { InvocationId = Guid.CreateVersion7(), RequestSha256 = Digest(), BusyUntil = Now.AddHours(1) };

        Assert.Null(await Keys.ClaimAsync(first, default));
        var found = (await Keys.ClaimAsync(second, default))!;

        Assert.Equal((first.InvocationId, first.RequestSha256, false), (found.InvocationId, found.RequestSha256, found.IsConfirmed));
        Assert.True((found.BusyUntil - first.BusyUntil).Duration() < TimeSpan.FromMilliseconds(1));
        Assert.Null(await Keys.ClaimAsync(second with { FunctionId = Guid.CreateVersion7() }, default));
        Assert.Null(await Keys.ClaimAsync(second with { KeySha256 = Digest() }, default));
    }

    [Fact]
    public async Task Claim_ByManyAtOnce_IsGivenToOne()
    {
        var claim = Claim();
        var other = Backend.IsPostgres ? (await AddNodeAsync()).Get<IIdempotencyStore>() : Keys;

        var found = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Task.Run(() =>
            (i % 2 == 0 ? Keys : other).ClaimAsync(claim with { InvocationId = Guid.CreateVersion7() }, default))));

        Assert.Equal(1, found.Count(entry => entry is null));
        Assert.Single(found.OfType<IdempotencyEntry>().Select(entry => entry.InvocationId).Distinct());
    }

    [Fact]
    public async Task Claim_OfAnExpiredKey_IsNew()
    {
        var old = Claim() with { ExpiresAt = Now.AddSeconds(-1) };
        var next = old with { InvocationId = Guid.CreateVersion7(), ExpiresAt = Now.AddHours(1) };
        Assert.Null(await Keys.ClaimAsync(old, default));
        await Keys.ConfirmAsync(old, default);

        Assert.Null(await Keys.ClaimAsync(next, default));

        var found = (await Keys.ClaimAsync(old, default))!;
        Assert.Equal((next.InvocationId, false), (found.InvocationId, found.IsConfirmed));
    }

    [Fact]
    public async Task TakeOver_ByMany_IsGivenToOneAndNeverOfWhatIsConfirmed()
    {
        var claim = Claim();
        await Keys.ClaimAsync(claim, default);
        var seen = (await Keys.ClaimAsync(claim, default))!;

        var taken = await Task.WhenAll(Enumerable.Range(1, 8).Select(i => Task.Run(() =>
            Keys.TakeOverAsync(claim with { InvocationId = Guid.CreateVersion7(), BusyUntil = Now.AddMinutes(i) }, seen, default))));

        Assert.Equal(1, taken.Count(isMine => isMine));
        var now = (await Keys.ClaimAsync(claim, default))!;
        Assert.NotEqual(claim.InvocationId, now.InvocationId);
        await Keys.ConfirmAsync(claim with { InvocationId = now.InvocationId }, default);
        Assert.False(await Keys.TakeOverAsync(claim, now, default));
        Assert.True((await Keys.ClaimAsync(claim, default))!.IsConfirmed);
    }

    [Fact]
    public async Task Release_OfOnesOwnClaim_FreesTheKey()
    {
        var claim = Claim();
        await Keys.ClaimAsync(claim, default);

        await Keys.ReleaseAsync(claim with { InvocationId = Guid.CreateVersion7() }, default);
        Assert.NotNull(await Keys.ClaimAsync(claim, default));
        await Keys.ReleaseAsync(claim, default);
        Assert.Null(await Keys.ClaimAsync(claim, default));

        await Keys.ConfirmAsync(claim, default);
        await Keys.ReleaseAsync(claim, default);
        Assert.NotNull(await Keys.ClaimAsync(claim, default));
    }

    [Fact]
    public async Task GiveUp_OfOnesOwnClaim_EndsTheWait()
    {
        var claim = Claim();
        await Keys.ClaimAsync(claim, default);

        await Keys.GiveUpAsync(claim, default);

        var found = (await Keys.ClaimAsync(claim, default))!;
        Assert.True(found.BusyUntil <= DateTimeOffset.UtcNow);
        Assert.True(await Keys.TakeOverAsync(claim, found, default));
    }

    [Fact]
    public async Task Retention_RemovesKeysThatHaveExpired()
    {
        var (old, young) = (Claim() with { ExpiresAt = Now.AddSeconds(-1) }, Claim());
        await Keys.ClaimAsync(old, default);
        await Keys.ClaimAsync(young, default);

        await Node.Maintenance.ApplyRetentionAsync(default);

        // A key that is not there can be neither taken over nor found.
        Assert.False(await Keys.TakeOverAsync(old, new() { InvocationId = old.InvocationId, RequestSha256 = "", IsConfirmed = false, BusyUntil = old.BusyUntil }, default));
        Assert.Equal(young.InvocationId, (await Keys.ClaimAsync(young, default))!.InvocationId);
    }

    // Whole milliseconds: PostgreSQL keeps microseconds, and an entry is compared with what was read.
    private static IdempotencyClaim Claim() => new()
    {
        FunctionId = Guid.CreateVersion7(),
        AccountId = WellKnownAccounts.Default,
        KeySha256 = Digest(),
        RequestSha256 = Digest(),
        InvocationId = Guid.CreateVersion7(),
        BusyUntil = DateTimeOffset.FromUnixTimeMilliseconds(Now.AddSeconds(10).ToUnixTimeMilliseconds()),
        ExpiresAt = Now.AddHours(24),
    };

    private static string Digest() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
}

public sealed class PostgresIdempotencyTests(PostgresBackend backend) : IdempotencyConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteIdempotencyTests(SqliteBackend backend) : IdempotencyConformance(backend), IClassFixture<SqliteBackend>;
