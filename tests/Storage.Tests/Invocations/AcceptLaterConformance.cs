using FaasCluster.Contracts;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Storage.Tests.Invocations;

/// <summary>Invocations that are due later: their rows and their messages in one transaction.</summary>
public abstract class AcceptLaterConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task AcceptLater_IsPublishedWhenItIsDueWithItsBody()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var node = await AddNodeAsync(time);
        var message = Message(await DeployAsync(), time.GetUtcNow(), TimeSpan.FromMinutes(5)) with { Body = new byte[] { 0, 1, 255 } };

        Assert.True(await node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default));

        var row = (await node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default))!.Summary;
        Assert.Equal((InvocationState.Queued, 1), (row.State, row.Attempt));
        Assert.True((row.DueAt - message.DueAt).Duration() < TimeSpan.FromMilliseconds(1));
        Assert.Empty(await DrainAsync(node, message));
        time.Advance(TimeSpan.FromMinutes(5));
        var published = Assert.Single(await DrainAsync(node, message));
        Assert.Equal(message.Body.ToArray(), published.Body.ToArray());
        Assert.Equal(message with { Body = default }, published with { Body = default });
        Assert.Empty(await DrainAsync(node, message));
    }

    [Fact]
    public async Task AcceptLater_Again_ChangesNothing()
    {
        var message = Message(await DeployAsync(), DateTimeOffset.UtcNow, TimeSpan.FromTicks(1));
        await Node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default);
        await Node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default);
        Assert.Single(await DrainAsync(Node, message));

        // It is in its queue, or has ended: nothing brings it to the outbox again.
        await Node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default);
        Assert.Empty(await DrainAsync(Node, message));
        await Node.Invocations.RecordAsync([Sample.Success(message)], default);
        Assert.True(await Node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default));
        Assert.Empty(await DrainAsync(Node, message));
        Assert.Equal(InvocationState.Succeeded, (await Node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default))!.Summary.State);
    }

    [Fact]
    public async Task AcceptLater_OfADeletedFunction_WritesNothing()
    {
        var name = $"f{Guid.NewGuid():N}"[..20];
        var message = Message(await DeployAsync(name), DateTimeOffset.UtcNow, TimeSpan.FromTicks(1));
        await Node.Functions.DeleteAsync(WellKnownAccounts.Default, name, default);

        Assert.False(await Node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default));

        Assert.Null(await Node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default));
        Assert.Empty(await DrainAsync(Node, message));
    }

    [Fact]
    public async Task ListInOutbox_IsWhatWaitsForItsTimeOrItsNextAttempt()
    {
        var (function, now) = (await DeployAsync(), DateTimeOffset.UtcNow);
        var delayed = Message(function, now, TimeSpan.FromDays(1));
        var retried = Sample.Message() with { FunctionId = function };
        var (queued, ended, foreign) = (Sample.Message() with { FunctionId = function }, Message(function, now, TimeSpan.FromDays(1)), Message(await DeployAsync(), now, TimeSpan.FromDays(1)));
        foreach (var message in new[] { delayed, ended, foreign })
        {
            await Node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default);
        }

        await Node.Invocations.AcceptAsync([Sample.Accepted(queued)], default);
        await Node.Invocations.RecordAsync([Sample.Retry(retried, now.AddHours(1)), Sample.Failure(ended) with { State = InvocationState.Cancelled }], default);

        var found = await Node.Invocations.ListInOutboxAsync(function, 10, default);

        Assert.Equal(new[] { delayed.InvocationId, retried.InvocationId }.Order(), found.Select(row => row.InvocationId).Order());
        Assert.Single(await Node.Invocations.ListInOutboxAsync(function, 1, default));
    }

    [Fact]
    public async Task Cancelled_BeforeItIsDue_IsNeverPublished()
    {
        var message = Message(await DeployAsync(), DateTimeOffset.UtcNow, TimeSpan.FromTicks(1));
        await Node.Invocations.AcceptLaterAsync(Sample.Accepted(message), default);

        await Node.Invocations.RecordAsync([Sample.Failure(message) with { State = InvocationState.Cancelled }], default);

        Assert.Empty(await DrainAsync(Node, message));
    }

    [Fact]
    public async Task Record_OfACallThatKeepsItsAnswer_KeepsALargeOneWhole()
    {
        var result = new InvocationResult { Body = new byte[Limits.RecordedResultBytes + 1] };
        foreach (var keeps in new[] { true, false })
        {
            var message = Sample.Message() with { Kind = InvocationKind.Synchronous, KeepsAnswer = keeps };
            await Node.Invocations.RecordAsync([Sample.Success(message) with { Result = result }], default);

            var found = (await Node.Invocations.FindAsync(WellKnownAccounts.Default, message.InvocationId, default))!;
            Assert.Equal(keeps ? result.Body.Length : null, found.Result?.Body.Length);
        }
    }

    private static InvocationMessage Message(Guid functionId, DateTimeOffset now, TimeSpan delay) =>
        Sample.Message(now) with { FunctionId = functionId, DueAt = now + delay, Deadline = now + delay + TimeSpan.FromHours(6) };

    private async Task<Guid> DeployAsync(string? name = null)
    {
        var package = $"{Guid.NewGuid():N}{Guid.NewGuid():N}";
        await Node.Packages.PutAsync(package, new byte[] { 1 }, default);
        var manifest = new FunctionManifest { Name = name ?? $"f{Guid.NewGuid():N}"[..20], Runtime = RuntimeIds.Python3, Handler = "a.b" };
        return (await Node.Functions.AddRevisionAsync(WellKnownAccounts.Default, manifest, package, 1, default)).FunctionId;
    }

    private static async Task<IReadOnlyList<InvocationMessage>> DrainAsync(StoreNode node, InvocationMessage of)
    {
        var published = new List<InvocationMessage>();
        await node.Outbox.RelayDueAsync(
            100,
            (message, _) =>
            {
                lock (published)
                {
                    published.Add(message);
                }

                return Task.FromResult(true);
            },
            default);
        return [.. published.Where(message => message.InvocationId == of.InvocationId)];
    }
}

public sealed class PostgresAcceptLaterTests(PostgresBackend backend) : AcceptLaterConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteAcceptLaterTests(SqliteBackend backend) : AcceptLaterConformance(backend), IClassFixture<SqliteBackend>;
