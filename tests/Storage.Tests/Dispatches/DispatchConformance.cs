using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Dispatches;

public abstract partial class DispatchConformance(StoreBackend backend) : Conformance(backend)
{
    private static readonly Destination Function = new() { Function = "audit" };
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Invoke_Delivers_ByOneRowAndOneOutboxRowWithItsLineage()
    {
        await Node.Outbox.RelayDueAsync(1000, (_, _) => Task.FromResult(true), default);
        var record = Success() with { OnSuccess = Function };
        record = record with { Message = record.Message with { Depth = 2 } };
        await RecordAsync(record);
        var dispatch = await ClaimAsync(record);
        Assert.Equal(2, dispatch.Depth);

        await Node.Dispatches.InvokeAsync(dispatch, Caused(dispatch, await DeployAsync()), default);

        var caused = (await Node.Invocations.FindAsync("default", dispatch.DispatchId, default))!.Summary;
        Assert.Equal((InvocationState.Queued, 3, record.Message.InvocationId, "audit"), (caused.State, caused.Depth, caused.CausedBy!.Value, caused.FunctionName));
        var published = new List<InvocationMessage>();
        await Node.Outbox.RelayDueAsync(10, (message, _) => Keep(published, message), default);
        var sent = Assert.Single(published);
        Assert.Equal((dispatch.DispatchId, 3, record.Message.InvocationId), (sent.InvocationId, sent.Depth, sent.CausedBy!.Value));
        Assert.Equal(dispatch.Body.ToArray(), sent.Body.ToArray());
        Assert.Equal(0, (await FindAsync(record)).Single().Body.Length);
    }

    [Fact]
    public async Task Invoke_OfAFunctionThatIsDeletedMeanwhile_ChangesNothing()
    {
        var record = Success() with { OnSuccess = Function };
        await RecordAsync(record);
        var revision = await DeployAsync();
        var dispatch = await ClaimAsync(record);
        await Node.Functions.DeleteAsync("default", revision.Manifest.Name, default);

        Assert.False(await Node.Dispatches.InvokeAsync(dispatch, Caused(dispatch, revision), default));

        Assert.Equal(DispatchState.Waiting, (await FindAsync(record)).Single().State);
        Assert.Null(await Node.Invocations.FindAsync("default", dispatch.DispatchId, default));
    }

    [Fact]
    public async Task Claim_OfAnEndFromAClockThatRunsAhead_IsNotHeldUpByIt()
    {
        var record = Success(Sample.Message(DateTimeOffset.UtcNow.AddHours(1))) with { OnSuccess = Function };
        record = record with { EndedAt = DateTimeOffset.UtcNow.AddHours(1) };

        await RecordAsync(record);

        Assert.Equal(1, (await ClaimAsync(record)).Attempts);
    }

    [Fact]
    public async Task Invoke_WithALargeRecord_StoresItApartFromTheMessage()
    {
        await Node.Outbox.RelayDueAsync(1000, (_, _) => Task.FromResult(true), default);
        var record = Success() with { OnSuccess = Function, Event = Encoding.UTF8.GetBytes($"\"{new string('x', 300_000)}\"") };
        await RecordAsync(record);
        var dispatch = await ClaimAsync(record);

        await Node.Dispatches.InvokeAsync(dispatch, Caused(dispatch, await DeployAsync()), default);

        var published = new List<InvocationMessage>();
        await Node.Outbox.RelayDueAsync(10, (message, _) => Keep(published, message), default);
        Assert.True(Assert.Single(published) is { BodyIsStored: true, Body.Length: 0 });
        Assert.Equal(dispatch.Body.ToArray(), await Node.Payloads.FindAsync(dispatch.DispatchId, default));
    }

    [Fact]
    public async Task Claim_ByManyAtOnce_GivesEachToOne()
    {
        var records = Enumerable.Range(0, 60).Select(_ => Success() with { OnSuccess = Function }).ToArray();
        await RecordAsync(records);
        var other = Backend.IsPostgres ? await AddNodeAsync() : Node;

        var claims = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(
            () => (i % 2 == 0 ? Node : other).Dispatches.ClaimDueAsync(DispatchKind.Function, 20, Lease, default))));

        var mine = records.Select(record => record.Message.InvocationId).ToHashSet();
        var claimed = claims.SelectMany(claim => claim).Select(dispatch => dispatch.InvocationId).Where(mine.Contains).ToArray();
        Assert.Equal(claimed.Length, claimed.Distinct().Count());
        Assert.Equal(mine.Count, claimed.Length);
    }

    [Fact]
    public async Task Claim_OfWhoDied_IsAnothersAfterTheLeaseAndTheLateOneChangesNothing()
    {
        var record = Success() with { OnSuccess = Function };
        await RecordAsync(record);
        var dead = await ClaimAsync(record, lease: TimeSpan.Zero);

        var next = await ClaimAsync(record);
        await Node.Dispatches.GiveUpAsync(dead, "late", default);
        await Node.Dispatches.PutOffAsync(dead, DateTimeOffset.UtcNow, "late", default);

        Assert.Equal((1, 2), (dead.Attempts, next.Attempts));
        var found = Assert.Single(await FindAsync(record));
        Assert.Equal((DispatchState.Waiting, null), (found.State, found.LastError));
        Assert.True(found.DueAt > DateTimeOffset.UtcNow);
    }

    [Fact]
    public async Task Settle_PutOffThenGivenUp_IsSeenWithItsErrorAndKeepsItsDocument()
    {
        var record = Success() with { OnSuccess = Function };
        await RecordAsync(record);

        await Node.Dispatches.PutOffAsync(await ClaimAsync(record), DateTimeOffset.UtcNow.AddMinutes(-1), "first", default);
        Assert.Equal(("first", 1), (Assert.Single(await FindAsync(record)).LastError, Assert.Single(await FindAsync(record)).Attempts));
        await Node.Dispatches.GiveUpAsync(await ClaimAsync(record), "second \0", default);

        var found = Assert.Single(await ListAsync(DispatchState.Dead), dispatch => dispatch.InvocationId == record.Message.InvocationId);
        Assert.Equal((2, "second \uFFFD"), (found.Attempts, found.LastError));
        Assert.NotNull(found.EndedAt);
        Assert.Empty(await ListAsync(DispatchState.Dead, "stranger"));
        Assert.DoesNotContain(await Node.Dispatches.ClaimDueAsync(DispatchKind.Function, 1000, Lease, default), dispatch => dispatch.InvocationId == record.Message.InvocationId);
    }

    [Fact]
    public async Task List_InPages_GivesEachOnce()
    {
        var records = Enumerable.Range(0, 5).Select(i => Success(Message() with { Callback = new Uri("https://example.com/") }) with { OnSuccess = Function, FunctionName = "paged" }).ToArray();
        await RecordAsync(records);
        var seen = new List<(Guid, DispatchKind)>();
        (Guid, DispatchKind)? after = null;
        while (true)
        {
            var page = await Node.Dispatches.ListAsync(new() { AccountId = "default", FunctionName = "paged", After = after, Limit = 3 }, default);
            if (page.Count == 0)
            {
                break;
            }

            seen.AddRange(page.Select(dispatch => (dispatch.InvocationId, dispatch.Kind)));
            after = seen[^1];
        }

        Assert.Equal(10, seen.Count);
        Assert.Equal(10, seen.Distinct().Count());
    }

    [Fact]
    public async Task Retention_OfTheInvocation_TakesItsDispatches()
    {
        var old = Sample.Message(DateTimeOffset.UtcNow.AddDays(-40));
        await RecordAsync(Success(old) with { OnSuccess = Function });
        var young = Success() with { OnSuccess = Function };
        await RecordAsync(young);

        await Node.Maintenance.ApplyRetentionAsync(default);

        Assert.DoesNotContain(await ListAsync(null), dispatch => dispatch.InvocationId == old.InvocationId);
        Assert.Single(await FindAsync(young));
    }

    private static Task<bool> Keep(List<InvocationMessage> published, InvocationMessage message)
    {
        published.Add(message);
        return Task.FromResult(true);
    }

    private static InvocationMessage Message() => Sample.Message(DateTimeOffset.UtcNow.AddMinutes(-1));

    private static AttemptRecord Success(InvocationMessage? message = null) => Sample.Success(message ?? Message());

    private static InvocationMessage Caused(Dispatch dispatch, FunctionRevision revision) => Sample.Message() with
    {
        InvocationId = dispatch.DispatchId,
        FunctionId = revision.FunctionId,
        Revision = revision.Revision,
        Trigger = TriggerKind.Destination,
        Depth = dispatch.Depth + 1,
        CausedBy = dispatch.InvocationId,
        Body = dispatch.Body,
    };

    private async Task<FunctionRevision> DeployAsync()
    {
        var sha256 = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Guid.NewGuid().ToByteArray()));
        await Node.Packages.PutAsync(sha256, new byte[] { 1 }, default);
        var manifest = new FunctionManifest { Name = $"f-{Guid.NewGuid():N}"[..20], Runtime = "python3", Handler = "app.handler", OnFailure = Function };
        return await Node.Functions.AddRevisionAsync("default", manifest, sha256, 1, default);
    }

    private Task<IReadOnlyList<RecordOutcome>> RecordAsync(params AttemptRecord[] records) => Node.Invocations.RecordAsync(records, default);

    private async Task<IReadOnlyList<Dispatch>> FindAsync(AttemptRecord record) =>
        (await Node.Invocations.FindAsync("default", record.Message.InvocationId, default))!.Dispatches;

    private Task<IReadOnlyList<Dispatch>> ListAsync(DispatchState? state, string account = "default") =>
        Node.Dispatches.ListAsync(new() { AccountId = account, State = state, Limit = 1000 }, default);

    // Others of the class may be due as well: those are left to their tests, which do not run at the same time.
    private async Task<Dispatch> ClaimAsync(AttemptRecord record, DateTimeOffset? now = null, TimeSpan? lease = null)
    {
        var node = now is null ? Node : await AddNodeAsync(new LateClock());
        var claimed = await node.Dispatches.ClaimDueAsync(DispatchKind.Function, 1000, lease ?? Lease, default);
        return claimed.Single(dispatch => dispatch.InvocationId == record.Message.InvocationId);
    }

    private sealed class LateClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2031, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }
}

public sealed class PostgresDispatchTests(PostgresBackend backend) : DispatchConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteDispatchTests(SqliteBackend backend) : DispatchConformance(backend), IClassFixture<SqliteBackend>;
