using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Logs;
using FaasCluster.Storage.Maintenance;
using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Storage.Tests.Maintenance;

public abstract class RetentionConformance(StoreBackend backend) : Conformance(backend)
{
    private static readonly FunctionManifest Manifest = new() { Name = "", Runtime = RuntimeIds.Python3, Handler = "a.b" };

    [Fact]
    public async Task Retention_RemovesWhatIsOlderAndNothingElse()
    {
        var now = DateTimeOffset.UtcNow;
        var past = await AddNodeAsync(new FakeTimeProvider(now.AddDays(-40)));
        await past.Maintenance.EnsurePartitionsAsync(default);
        var old = await WriteAsync(Enumerable.Range(0, 1500).Select(i => now.AddDays(-40).AddSeconds(i)));
        var kept = await WriteAsync([now.AddDays(-29), now, now.AddHours(3)]);

        var result = await Node.Maintenance.ApplyRetentionAsync(default);

        // Beside PostgreSQL's partitions there is only what lay in no partition.
        Assert.Equal(Backend.IsPostgres ? 0 : (1500 * 4) + 20, result.Rows);
        Assert.Equal(Backend.IsPostgres, result.Partitions.Count > 0);
        foreach (var id in old)
        {
            Assert.Null(await FindAsync(id));
        }

        Assert.Empty(await Node.Logs.ReadAsync(WellKnownAccounts.Default, old[0], null, 10, default));
        Assert.Equal(0, await Node.Invocations.CountStartsAsync(old[0], 1, default));
        Assert.Null(await Node.Events.FindAsync(WellKnownAccounts.Default, old[0], default));
        Assert.Null(await Node.DeadLetters.FindAsync(WellKnownAccounts.Default, old[0], default));
        foreach (var id in kept)
        {
            Assert.Single((await FindAsync(id))!.Attempts);
            Assert.Single(await Node.Logs.ReadAsync(WellKnownAccounts.Default, id, null, 10, default));
            Assert.Equal(1, await Node.Invocations.CountStartsAsync(id, 1, default));
            Assert.NotNull(await Node.Events.FindAsync(WellKnownAccounts.Default, id, default));
            Assert.NotNull(await Node.DeadLetters.FindAsync(WellKnownAccounts.Default, id, default));
        }

        var again = await Node.Maintenance.ApplyRetentionAsync(default);
        Assert.Empty(again.Partitions);
        Assert.Equal(0, again.Rows);
    }

    [Fact]
    public async Task Retention_OldRowsWithoutAPartition_AreDeletedOneByOne()
    {
        // A clock that was a year behind.
        var old = await WriteAsync([DateTimeOffset.UtcNow.AddDays(-365), DateTimeOffset.UtcNow.AddDays(-366)]);

        var result = await Node.Maintenance.ApplyRetentionAsync(default);

        Assert.Equal(10, result.Rows);
        Assert.Null(await FindAsync(old[0]));
    }

    [Fact]
    public async Task Package_NothingRefersTo_IsCollectedWhenItIsOldEnough()
    {
        var package = await PutPackageAsync(Node);
        Assert.Equal(0, (await Node.Maintenance.ApplyRetentionAsync(default)).Packages);
        Assert.NotNull(await Node.Packages.FindAsync(package, default));

        var later = await LaterAsync(Collector.PackageGrace);
        Assert.Equal(1, (await later.Maintenance.ApplyRetentionAsync(default)).Packages);

        Assert.Null(await Node.Packages.FindAsync(package, default));
    }

    [Fact]
    public async Task Package_OfARevision_Stays()
    {
        var package = await PutPackageAsync(Node);
        await DeployAsync(Node, "stays", package);
        await DeployAsync(Node, "stays", await PutPackageAsync(Node));

        // Also that of an older revision.
        await (await LaterAsync(TimeSpan.FromDays(100))).Maintenance.ApplyRetentionAsync(default);

        Assert.NotNull(await Node.Packages.FindAsync(package, default));
    }

    [Fact]
    public async Task Package_PutAgain_IsYoungAgain()
    {
        var package = await PutPackageAsync(Node);
        var later = await LaterAsync(Collector.PackageGrace);
        await later.Packages.PutAsync(package, new byte[] { 1 }, default);

        await later.Maintenance.ApplyRetentionAsync(default);

        Assert.NotNull(await Node.Packages.FindAsync(package, default));
    }

    [Fact]
    public async Task Package_OfADeletedFunction_IsCollectedWhenItsInvocationsAreGone()
    {
        var package = await PutPackageAsync(Node);
        var function = await DeployAsync(Node, "goes", package);
        await Node.Functions.DeleteAsync(WellKnownAccounts.Default, "goes", default);

        await (await LaterAsync(TimeSpan.FromDays(29))).Maintenance.ApplyRetentionAsync(default);
        Assert.NotNull(await Node.Functions.FindRevisionAsync(function.FunctionId, 1, default));

        await (await LaterAsync(TimeSpan.FromDays(32))).Maintenance.ApplyRetentionAsync(default);
        Assert.Null(await Node.Functions.FindRevisionAsync(function.FunctionId, 1, default));
        Assert.Null(await Node.Packages.FindAsync(package, default));
    }

    [Fact]
    public async Task Package_DeployedWhileCollected_IsNeverMissing()
    {
        // Packages are old enough at any time: the clock of the collector is a day ahead, that of the deploys is not.
        var collector = await LaterAsync(TimeSpan.FromDays(1));
        var packages = new List<string>();
        for (var i = 0; i < 40; i++)
        {
            packages.Add(await PutPackageAsync(Node));
        }

        using var done = new CancellationTokenSource();
        var collecting = Task.Run(async () =>
        {
            while (!done.IsCancellationRequested)
            {
                await Collector.DeletePackagesAsync(collector.Get<Storage.Sql.Database>(), DateTimeOffset.UtcNow.AddDays(1), default);
            }
        });
        var deployed = new List<(string Name, string Package)>();
        await Parallel.ForEachAsync(packages, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (package, _) =>
        {
            var name = $"f-{package[..16]}";
            try
            {
                await DeployAsync(Node, name, package);
            }
            catch (InvalidOperationException)
            {
                // It was collected first: the deploy said so, and left nothing.
                Assert.Null(await Node.Functions.FindAsync(WellKnownAccounts.Default, name, default));
                return;
            }

            lock (deployed)
            {
                deployed.Add((name, package));
            }
        });
        await done.CancelAsync();
        await collecting;

        foreach (var (name, package) in deployed)
        {
            Assert.NotNull(await Node.Functions.FindAsync(WellKnownAccounts.Default, name, default));
            Assert.NotNull(await Node.Packages.FindAsync(package, default));
        }
    }

    [Fact]
    public async Task Payload_IsCollectedWhenOldAndNothingWaitsForIt()
    {
        var waiting = Sample.Message() with { BodyIsStored = true };
        var orphan = Sample.Message() with { BodyIsStored = true };
        await Node.Payloads.PutAsync(waiting.InvocationId, new byte[1], default);
        await Node.Payloads.PutAsync(orphan.InvocationId, new byte[1], default);
        await Node.Invocations.AcceptAsync([Sample.Accepted(waiting)], default);
        Assert.Equal(0, (await Node.Maintenance.ApplyRetentionAsync(default)).Payloads);

        var later = await LaterAsync(Collector.PayloadGrace);
        Assert.Equal(1, (await later.Maintenance.ApplyRetentionAsync(default)).Payloads);

        Assert.NotNull(await Node.Payloads.FindAsync(waiting.InvocationId, default));
        Assert.Null(await Node.Payloads.FindAsync(orphan.InvocationId, default));
    }

    [Fact]
    public async Task Payload_OfADeadLetter_StaysUntilTheRetentionTakesTheLetter()
    {
        var message = Sample.Message() with { BodyIsStored = true, Body = default };
        await Node.Payloads.PutAsync(message.InvocationId, new byte[1], default);
        await Node.Invocations.RecordAsync([Sample.Failure(message)], default);

        var later = await LaterAsync(TimeSpan.FromDays(29));
        await later.Maintenance.ApplyRetentionAsync(default);
        Assert.NotNull(await Node.Payloads.FindAsync(message.InvocationId, default));
        Assert.NotNull(await Node.Events.FindAsync(WellKnownAccounts.Default, message.InvocationId, default));

        // What other tests left in the same store is taken as well, so nothing is counted here.
        var muchLater = await LaterAsync(TimeSpan.FromDays(32));
        await muchLater.Maintenance.ApplyRetentionAsync(default);
        Assert.Null(await Node.Payloads.FindAsync(message.InvocationId, default));
        Assert.Null(await Node.DeadLetters.FindAsync(WellKnownAccounts.Default, message.InvocationId, default));
    }

    /// <summary>A node to whose clock everything is older by the given time and a bit.</summary>
    private Task<StoreNode> LaterAsync(TimeSpan age) => AddNodeAsync(new FakeTimeProvider(DateTimeOffset.UtcNow + age + TimeSpan.FromMinutes(1)));

    private async Task<IReadOnlyList<Guid>> WriteAsync(IEnumerable<DateTimeOffset> times)
    {
        var messages = times.Select(time => Sample.Message(time)).ToList();
        await Node.Invocations.RecordAsync([.. messages.Select(message => Sample.Failure(message))], default);
        await Node.Logs.AppendAsync([.. messages.Select(Line)], default);
        foreach (var message in messages.Take(20))
        {
            await Node.Invocations.MarkStartedAsync(message, "hello", "worker-1", default);
        }

        return [.. messages.Select(message => message.InvocationId)];
    }

    private static LogLine Line(Contracts.Invocations.InvocationMessage message) => new()
    {
        InvocationId = message.InvocationId,
        Attempt = 1,
        AccountId = message.AccountId,
        Sequence = 0,
        Time = message.AcceptedAt,
        Stream = "stdout",
        Text = "x",
    };

    private Task<InvocationDetails?> FindAsync(Guid id) => Node.Invocations.FindAsync(WellKnownAccounts.Default, id, default);

    private static Task<FunctionRevision> DeployAsync(StoreNode node, string name, string package) =>
        node.Functions.AddRevisionAsync(WellKnownAccounts.Default, Manifest with { Name = name }, package, 1, default);

    private static async Task<string> PutPackageAsync(StoreNode node)
    {
        var hash = $"{Guid.NewGuid():N}{Guid.NewGuid():N}";
        await node.Packages.PutAsync(hash, new byte[] { 1 }, default);
        return hash;
    }
}

public sealed class PostgresRetentionTests(PostgresBackend backend) : RetentionConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteRetentionTests(SqliteBackend backend) : RetentionConformance(backend), IClassFixture<SqliteBackend>;
