using System.Diagnostics;
using FaasCluster.Storage.Concurrency;
using FaasCluster.Testing;
using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Storage.Tests.Concurrency;

public abstract class SlotLeaseConformance(StoreBackend backend) : Conformance(backend)
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Past = TimeSpan.FromSeconds(-1);

    private readonly Guid function = Guid.NewGuid();

    private ISlotLeaseStore Leases => Node.Get<ISlotLeaseStore>();

    [Fact]
    public async Task TryHold_BeyondTheLimitOfAllWorkersTogether_IsRefused()
    {
        Assert.True(await TryHoldAsync("a", 2, limit: 3));
        Assert.False(await TryHoldAsync("b", 2, limit: 3));
        Assert.True(await TryHoldAsync("b", 1, limit: 3));
        Assert.False(await TryHoldAsync("a", 3, limit: 3));
        Assert.Equal((2, 1), (await SlotsAsync("a"), await SlotsAsync("b")));

        // Another function has slots of its own.
        Assert.True(await Leases.TryHoldAsync(Guid.NewGuid(), "b", 3, 3, Long, default));
    }

    [Fact]
    public async Task TryHold_OfWhatIsHeldAlready_ChangesNothing()
    {
        Assert.True(await TryHoldAsync("a", 2, limit: 2));
        Assert.True(await TryHoldAsync("a", 2, limit: 2));
        Assert.Equal(2, await SlotsAsync("a"));
    }

    [Fact]
    public async Task TryHold_AfterTheLimitWasLowered_CountsWhatIsStillHeld()
    {
        Assert.True(await TryHoldAsync("a", 3, limit: 3));
        Assert.False(await TryHoldAsync("b", 1, limit: 1));
        await Leases.HoldAsync(function, "a", 1, Long, default);
        Assert.False(await TryHoldAsync("b", 1, limit: 1));
        await Leases.HoldAsync(function, "a", 0, Long, default);
        Assert.True(await TryHoldAsync("b", 1, limit: 1));
    }

    [Fact]
    public async Task TryHold_ByManyWorkersAtOnce_GrantsExactlyTheLimit()
    {
        const int limit = 7;
        var other = await AddNodeAsync();
        var held = new int[16];

        await Task.WhenAll(Enumerable.Range(0, held.Length).Select(number => Task.Run(async () =>
        {
            var leases = (number % 2 == 0 ? Node : other).Get<ISlotLeaseStore>();
            for (var i = 0; i < 6; i++)
            {
                if (await leases.TryHoldAsync(function, $"w{number}", held[number] + 1, limit, Long, default))
                {
                    held[number]++;
                }
            }
        })));

        Assert.Equal(limit, held.Sum());
        Assert.Equal(limit, (await Task.WhenAll(Enumerable.Range(0, held.Length).Select(number => SlotsAsync($"w{number}")))).Sum());
    }

    [Fact]
    public async Task Fault01_LeaseOfADeadWorker_IsFreeAfterItsLifetimeAndNotBefore()
    {
        // From before: the lease begins at some time within the call.
        var clock = Stopwatch.StartNew();
        Assert.True(await TryHoldAsync("dead", 1, limit: 1, Short));

        await Eventually.TrueAsync(() => TryHoldAsync("b", 1, limit: 1), "the slot is free");

        // The two clocks are not quite the same.
        Assert.True(clock.Elapsed > Short * 0.8, $"It was free after {clock.Elapsed}.");
    }

    [Fact]
    public async Task Fault03_LeaseThatLapsedAndWentToAnother_IsNotRenewed()
    {
        Assert.True(await TryHoldAsync("stopped", 1, limit: 1, Short));
        await Eventually.TrueAsync(() => TryHoldAsync("b", 1, limit: 1), "the slot is free");

        Assert.Equal(0, await SlotsAsync("stopped"));
        Assert.False(await TryHoldAsync("stopped", 1, limit: 1));
        Assert.Equal(1, await SlotsAsync("b"));
    }

    [Fact]
    public async Task Renew_OfALeaseThatLapsedAndThatNobodyTook_BringsItBack()
    {
        Assert.True(await TryHoldAsync("a", 1, limit: 1, Past));

        Assert.Equal(1, await SlotsAsync("a"));
        Assert.False(await TryHoldAsync("b", 1, limit: 1));
    }

    [Fact]
    public async Task Fault17_NodeWhoseClockIsAnHourOff_NeitherStealsNorLosesALease()
    {
        var ahead = (await AddNodeAsync(new FakeTimeProvider(DateTimeOffset.UtcNow.AddHours(1)))).Get<ISlotLeaseStore>();
        var behind = (await AddNodeAsync(new FakeTimeProvider(DateTimeOffset.UtcNow.AddHours(-1)))).Get<ISlotLeaseStore>();
        Assert.True(await TryHoldAsync("a", 1, limit: 2));
        Assert.True(await behind.TryHoldAsync(function, "behind", 1, 2, Long, default));

        Assert.False(await ahead.TryHoldAsync(function, "ahead", 1, 2, Long, default));
        Assert.False(await TryHoldAsync("b", 1, limit: 2));
        Assert.Equal(1, await SlotsAsync("behind"));
    }

    [Fact]
    public async Task Refusal_IsSeenByThoseWhoHoldSlots()
    {
        Assert.True(await TryHoldAsync("a", 1, limit: 1));
        Assert.False(await IsWantedAsync("a"));
        Assert.False(await TryHoldAsync("b", 1, limit: 1));
        Assert.True(await IsWantedAsync("a"));

        // Whoever got one waits no more.
        await Leases.HoldAsync(function, "a", 0, Long, default);
        Assert.True(await TryHoldAsync("b", 1, limit: 2));
        Assert.True(await TryHoldAsync("a", 1, limit: 2));
        Assert.False(await IsWantedAsync("a"));
    }

    [Fact]
    public async Task Forget_GivesBackWhatTheWorkerHeld()
    {
        Assert.True(await TryHoldAsync("a", 1, limit: 2));
        Assert.True(await TryHoldAsync("b", 1, limit: 2));

        await Leases.ForgetAsync("a", default);

        // A SQLite file has one worker: what it finds there is its own of before.
        Assert.Equal((0, Backend.IsPostgres ? 1 : 0), (await SlotsAsync("a"), await SlotsAsync("b")));
    }

    [Fact]
    public async Task Retention_RemovesLapsedLeasesOnly()
    {
        var lapsed = Guid.NewGuid();
        Assert.True(await Leases.TryHoldAsync(lapsed, "retired", 1, 1, Past, default));
        Assert.True(await TryHoldAsync("a", 1, limit: 1));

        await Node.Maintenance.ApplyRetentionAsync(default);

        Assert.Empty(await Leases.RenewAsync("retired", Long, default));
        Assert.Equal(1, await SlotsAsync("a"));
    }

    private Task<bool> TryHoldAsync(string workerId, int slots, int limit, TimeSpan? lifetime = null) =>
        Leases.TryHoldAsync(function, workerId, slots, limit, lifetime ?? Long, default);

    private async Task<bool> IsWantedAsync(string workerId) =>
        (await Leases.RenewAsync(workerId, Long, default)).Single(held => held.FunctionId == function).IsWanted;

    private async Task<int> SlotsAsync(string workerId) =>
        (await Leases.RenewAsync(workerId, Long, default)).Where(held => held.FunctionId == function).Sum(held => held.Slots);
}

public sealed class PostgresSlotLeaseTests(PostgresBackend backend) : SlotLeaseConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteSlotLeaseTests(SqliteBackend backend) : SlotLeaseConformance(backend), IClassFixture<SqliteBackend>;
