using System.Collections.Concurrent;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.DeadLetters;

namespace FaasCluster.Storage.Tests.DeadLetters;

/// <summary>Re-drive, discard and replay: one new invocation, made whole or not at all.</summary>
public abstract class RestartConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Redrive_OpenLetter_MakesALinkedInvocationAndItsFirstAttempt()
    {
        var old = await DieAsync(await DeployAsync("redriven"), "the event"u8.ToArray());
        var restart = Restart(old) with { FunctionName = "redriven" };
        restart = restart with { Message = restart.Message with { Revision = 3 } };

        Assert.Equal([old.InvocationId], await Node.DeadLetters.RedriveAsync([restart], default));

        var letter = (await LetterAsync(old))!;
        Assert.Equal((DeadLetterState.Redriven, restart.Message.InvocationId), (letter.State, letter.RedrivenAs));
        Assert.NotNull(letter.SettledAt);
        var details = (await Node.Invocations.FindAsync(old.AccountId, restart.Message.InvocationId, default))!;
        Assert.Equal((InvocationState.Queued, 3, 1, old.InvocationId, null), (
            details.Summary.State, details.Summary.Revision, details.Summary.Attempt, details.Summary.RedriveOf, details.Summary.ReplayOf));
        var before = (await Node.Invocations.FindAsync(old.AccountId, old.InvocationId, default))!;
        Assert.Equal((InvocationState.Failed, DeadLetterState.Redriven, restart.Message.InvocationId), (before.Summary.State, before.DeadLetter, before.RedrivenAs));
        var published = Assert.Single(await DrainAsync(), message => message.InvocationId == restart.Message.InvocationId);
        Assert.Equal("the event"u8.ToArray(), published.Body.ToArray());
        Assert.Equal(published with { Body = default }, restart.Message with
        {
            AcceptedAt = published.AcceptedAt,
            DueAt = published.DueAt,
            Deadline = published.Deadline,
        });
    }

    [Fact]
    public async Task Redrive_ByManyAtOnce_MakesOneInvocation()
    {
        var function = await DeployAsync("raced");
        var letters = new List<InvocationMessage>();
        for (var i = 0; i < 20; i++)
        {
            letters.Add(await DieAsync(function));
        }

        var nodes = Backend.IsPostgres ? [Node, await AddNodeAsync(), await AddNodeAsync()] : new[] { Node, Node, Node };
        var made = new ConcurrentBag<Guid>();
        await Task.WhenAll(nodes.SelectMany(node => Enumerable.Range(0, 3).Select(_ => Task.Run(async () =>
        {
            var restarts = letters.OrderBy(_ => Random.Shared.Next()).Select(Restart).ToArray();
            foreach (var id in await node.DeadLetters.RedriveAsync(restarts, default))
            {
                made.Add(restarts.Single(restart => restart.Of == id).Message.InvocationId);
            }
        }))));

        Assert.Equal(20, made.Count);
        var published = await DrainAsync();
        Assert.Equal(made.Order(), published.Select(message => message.InvocationId).Where(id => made.Contains(id)).Order());
        var named = await Task.WhenAll(letters.Select(LetterAsync));
        Assert.Equal(made.Order(), named.Select(letter => letter!.RedrivenAs!.Value).Order());
    }

    [Fact]
    public async Task Fault13_LetterRedrivenADayAfterItsSuccess_MakesNoSecondRecord()
    {
        var old = await DieAsync(await DeployAsync("fault13"));
        var first = Restart(old);
        await Node.DeadLetters.RedriveAsync([first], default);
        await Node.Invocations.RecordAsync([Sample.Success(first.Message)], default);

        var later = await AddNodeAsync(new Microsoft.Extensions.Time.Testing.FakeTimeProvider(DateTimeOffset.UtcNow.AddDays(1)));
        var second = Restart(old);
        Assert.Empty(await later.DeadLetters.RedriveAsync([second], default));
        Assert.Empty(await later.DeadLetters.DiscardAsync(old.AccountId, [old.InvocationId], default));

        Assert.Null(await Node.Invocations.FindAsync(old.AccountId, second.Message.InvocationId, default));
        Assert.Equal(first.Message.InvocationId, (await LetterAsync(old))!.RedrivenAs);
        Assert.Single((await Node.Invocations.FindAsync(old.AccountId, first.Message.InvocationId, default))!.Attempts);
        Assert.DoesNotContain(await DrainAsync(), message => message.InvocationId == second.Message.InvocationId);
    }

    [Fact]
    public async Task CountOpen_LettersThatAreSettled_CountNoMore()
    {
        var function = await DeployAsync("counted");
        var before = await Node.DeadLetters.CountOpenAsync(default);
        var redriven = await DieAsync(function);
        var discarded = await DieAsync(function);
        await DieAsync(function);
        Assert.Equal(before + 3, await Node.DeadLetters.CountOpenAsync(default));

        await Node.DeadLetters.RedriveAsync([Restart(redriven)], default);
        await Node.DeadLetters.DiscardAsync(discarded.AccountId, [discarded.InvocationId], default);

        Assert.Equal(before + 1, await Node.DeadLetters.CountOpenAsync(default));
    }

    [Fact]
    public async Task Redrive_StoredEvent_IsCopiedAndOutlivesTheOld()
    {
        var function = await DeployAsync("large");
        var message = Message(function) with { BodyIsStored = true, Body = default };
        await Node.Payloads.PutAsync(message.InvocationId, new byte[] { 7, 8, 9 }, default);
        await Node.Invocations.RecordAsync([Sample.Failure(message)], default);
        var restart = Restart(message);

        Assert.Single(await Node.DeadLetters.RedriveAsync([restart], default));

        Assert.Equal([7, 8, 9], await Node.Payloads.FindAsync(restart.Message.InvocationId, default));
        Assert.True(Assert.Single(await DrainAsync(), published => published.InvocationId == restart.Message.InvocationId).BodyIsStored);
    }

    [Fact]
    public async Task Redrive_WithoutAnEventOrAFunction_ChangesNothing()
    {
        var function = await DeployAsync("gone");
        var unknown = Message(function);
        await Node.Invocations.RecordAsync([Sample.Failure(unknown) with { HasEvent = false }], default);
        var stored = Message(function) with { BodyIsStored = true, Body = default };
        await Node.Invocations.RecordAsync([Sample.Failure(stored)], default);
        Assert.Empty(await Node.Events.FindMessagesAsync(WellKnownAccounts.Default, [unknown.InvocationId, stored.InvocationId], default));
        Assert.Empty(await Node.DeadLetters.RedriveAsync([Restart(unknown), Restart(stored)], default));

        var orphan = await DieAsync(function);
        await Node.Functions.DeleteAsync(WellKnownAccounts.Default, "gone", default);
        Assert.Empty(await Node.DeadLetters.RedriveAsync([Restart(orphan)], default));
        Assert.False(await Node.Events.ReplayAsync(Restart(orphan), default));

        foreach (var letter in new[] { unknown, stored, orphan })
        {
            Assert.Equal(DeadLetterState.Open, (await LetterAsync(letter))!.State);
        }
    }

    [Fact]
    public async Task Discard_OpenLetter_IsSettledOnceAndNotRedrivenAnyMore()
    {
        var old = await DieAsync(await DeployAsync("discarded"));

        Assert.Equal([old.InvocationId], await Node.DeadLetters.DiscardAsync(old.AccountId, [old.InvocationId, Guid.CreateVersion7()], default));
        Assert.Empty(await Node.DeadLetters.DiscardAsync(old.AccountId, [old.InvocationId], default));
        Assert.Empty(await Node.DeadLetters.DiscardAsync(old.AccountId, [], default));
        Assert.Empty(await Node.DeadLetters.RedriveAsync([Restart(old)], default));
        Assert.Empty(await Node.DeadLetters.RedriveAsync([], default));

        Assert.Equal(DeadLetterState.Discarded, (await LetterAsync(old))!.State);
    }

    [Fact]
    public async Task Replay_OfAnEndedInvocation_MakesALinkedOneEachTime()
    {
        var old = Message(await DeployAsync("replayed"));
        await Node.Invocations.RecordAsync([Sample.Success(old)], default);
        var first = Restart(old) with { Message = Restart(old).Message with { SuppressDestinations = true } };
        var second = Restart(old);

        Assert.True(await Node.Events.ReplayAsync(first, default));
        Assert.True(await Node.Events.ReplayAsync(second, default));

        var details = (await Node.Invocations.FindAsync(old.AccountId, old.InvocationId, default))!;
        Assert.Equal(new[] { first, second }.Select(restart => restart.Message.InvocationId).OrderDescending(), details.Replays);
        var made = (await Node.Invocations.FindAsync(old.AccountId, first.Message.InvocationId, default))!;
        Assert.Equal((InvocationState.Queued, old.InvocationId, null), (made.Summary.State, made.Summary.ReplayOf, made.Summary.RedriveOf));
        var published = (await DrainAsync()).Where(message => details.Replays.Contains(message.InvocationId)).ToDictionary(message => message.InvocationId);
        Assert.True(published[first.Message.InvocationId].SuppressDestinations);
        Assert.False(published[second.Message.InvocationId].SuppressDestinations);
    }

    [Fact]
    public async Task List_ByFilter_IsNewestFirstInPages()
    {
        var start = DateTimeOffset.UtcNow;
        var function = await DeployAsync("listed");
        var other = await DieAsync(await DeployAsync("other"));
        var letters = new List<InvocationMessage>();
        for (var i = 0; i < 5; i++)
        {
            var message = Message(function, start.AddMilliseconds(10 * i));
            await Node.Invocations.RecordAsync([Sample.Failure(message, "listed")], default);
            letters.Add(message);
        }

        await Node.DeadLetters.DiscardAsync(WellKnownAccounts.Default, [letters[1].InvocationId], default);
        var newestFirst = letters.Select(message => message.InvocationId).Reverse().ToArray();
        var all = new DeadLetterFilter { AccountId = WellKnownAccounts.Default, FunctionName = "listed" };

        Assert.Equal(newestFirst, await IdsAsync(all));
        Assert.Equal([newestFirst[3]], await IdsAsync(all with { State = DeadLetterState.Discarded }));
        Assert.Equal(newestFirst[1..3], await IdsAsync(all with { State = DeadLetterState.Open, Before = newestFirst[0], Limit = 2 }));
        Assert.Equal(newestFirst[1..3], await IdsAsync(all with { Since = start.AddMilliseconds(20), Until = start.AddMilliseconds(40) }));
        Assert.Contains(other.InvocationId, await IdsAsync(all with { FunctionName = null }));
    }

    private async Task<IEnumerable<Guid>> IdsAsync(DeadLetterFilter filter) =>
        (await Node.DeadLetters.ListAsync(filter, default)).Select(letter => letter.Invocation.InvocationId);

    private async Task<Guid> DeployAsync(string name)
    {
        var package = $"{Guid.NewGuid():N}{Guid.NewGuid():N}";
        await Node.Packages.PutAsync(package, new byte[] { 1 }, default);
        var manifest = new FunctionManifest { Name = name, Runtime = RuntimeIds.Python3, Handler = "a.b" };
        return (await Node.Functions.AddRevisionAsync(WellKnownAccounts.Default, manifest, package, 1, default)).FunctionId;
    }

    private static InvocationMessage Message(Guid functionId, DateTimeOffset? at = null) => Sample.Message(at) with { FunctionId = functionId };

    private async Task<InvocationMessage> DieAsync(Guid functionId, byte[]? body = null)
    {
        var message = Message(functionId) with { Body = body ?? "{}"u8.ToArray() };
        await Node.Invocations.RecordAsync([Sample.Failure(message)], default);
        return message;
    }

    private static Restart Restart(InvocationMessage old)
    {
        var now = DateTimeOffset.UtcNow;
        var message = old with { InvocationId = Guid.CreateVersion7(now), Attempt = 1, AcceptedAt = now, DueAt = now, Deadline = now.AddHours(1), Body = default };
        return new Restart { Of = old.InvocationId, Message = message, FunctionName = "hello" };
    }

    private Task<DeadLetter?> LetterAsync(InvocationMessage message) =>
        Node.DeadLetters.FindAsync(WellKnownAccounts.Default, message.InvocationId, default);

    private async Task<IReadOnlyList<InvocationMessage>> DrainAsync()
    {
        var published = new ConcurrentQueue<InvocationMessage>();
        await Node.Outbox.RelayDueAsync(
            1000,
            (message, _) =>
            {
                published.Enqueue(message);
                return Task.FromResult(true);
            },
            default);
        return [.. published];
    }
}

public sealed class PostgresRestartTests(PostgresBackend backend) : RestartConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteRestartTests(SqliteBackend backend) : RestartConformance(backend), IClassFixture<SqliteBackend>;
