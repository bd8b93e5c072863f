using System.Collections.Concurrent;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Storage.Tests.Properties;

/// <summary>Takes steps on the store and on the model at the same time, and compares what each says.</summary>
internal sealed class RecordingMachine(StoreNode node, StoreNode other, FakeTimeProvider time, Guid functionId)
{
    private const int MostInvocations = 12;

    private readonly List<ModelInvocation> invocations = [];
    private int onceStarts;

    public async Task RunAsync(Step[] steps)
    {
        await StoredRows.ClearAsync(node);
        foreach (var step in steps)
        {
            await TakeAsync(step);
            await CompareAsync(step);
        }
    }

    private Task TakeAsync(Step step) => step.Kind switch
    {
        StepKind.Submit => SubmitAsync(step),
        StepKind.Wait => WaitAsync(step),
        StepKind.Relay => RelayAsync(step),
        StepKind.Expire => ExpireAsync(),
        StepKind.Batch => BatchAsync(step),
        _ when invocations.Count == 0 => Task.CompletedTask,
        StepKind.Accept => AcceptAsync(Target(step)),
        StepKind.Complete => CompleteAsync(Target(step), step),
        StepKind.Race => RaceAsync(Target(step), step),
        StepKind.RecordLate => RecordAsync(RecordOf(Target(step).First with { Attempt = 1 + (step.Choice % 3) }, step.Choice)),
        StepKind.Cancel => CancelAsync(Target(step)),
        StepKind.Redeliver => RedeliverAsync(Target(step), step),
        StepKind.StartOnce => StartOnceAsync(Target(step), step),
        StepKind.Redrive => RedriveAsync(Ended(step)),
        StepKind.Discard => DiscardAsync(Ended(step)),
        _ => ReplayAsync(Ended(step)),
    };

    private async Task SubmitAsync(Step step)
    {
        if (invocations.Count == MostInvocations)
        {
            return;
        }

        var now = time.GetUtcNow();
        var deadline = (step.Choice % 4) switch { 0 => now.AddMinutes(5), 1 => now.AddHours(-3), _ => now.AddHours(6) };
        var message = Sample.Message(now) with { FunctionId = functionId, Deadline = deadline };
        var invocation = new ModelInvocation(message);
        invocation.Queue.Add(message);
        invocations.Add(invocation);
        if (step.Flag)
        {
            await AcceptAsync(invocation);
        }
    }

    private async Task AcceptAsync(ModelInvocation invocation)
    {
        await node.Invocations.AcceptAsync([Sample.Accepted(invocation.First)], default);
        invocation.Accept();
    }

    private async Task CompleteAsync(ModelInvocation invocation, Step step)
    {
        if (invocation.Queue.Count == 0)
        {
            return;
        }

        var at = step.Choice % invocation.Queue.Count;
        var message = invocation.Queue[at];
        if (!step.Flag)
        {
            invocation.Queue.RemoveAt(at);
        }

        await RecordAsync(RecordOf(message, step.Choice));
    }

    /// <summary>Of ends that are recorded at the same moment one holds, or none if the attempt was recorded before.</summary>
    private async Task RaceAsync(ModelInvocation invocation, Step step)
    {
        var message = invocation.First with { Attempt = Math.Max(1, invocation.Attempt) };
        AttemptRecord[] rivals = [RecordOf(message, step.Choice), RecordOf(message, step.Choice + 1), CancelOf(message)];
        var isNew = invocation.IsNew(message.Attempt);

        var outcomes = await Task.WhenAll(rivals.Select((record, i) => Task.Run(async () =>
            (await (i % 2 == 0 ? node : other).Invocations.RecordAsync([record], default))[0])));

        Assert.Equal(isNew ? 1 : 0, outcomes.Count(outcome => outcome == RecordOutcome.Recorded));
        Assert.DoesNotContain(RecordOutcome.Refused, outcomes);
        if (isNew)
        {
            invocation.Record(rivals[Array.IndexOf(outcomes, RecordOutcome.Recorded)]);
        }
    }

    private async Task BatchAsync(Step step)
    {
        var records = invocations
            .SelectMany(invocation => invocation.Queue.Take(2))
            .Select((message, i) => RecordOf(message, step.Choice + i))
            .ToArray();
        if (records.Length > 0)
        {
            await RecordAsync(step.Flag ? [.. records, .. records.Reverse()] : records);
        }
    }

    private async Task RecordAsync(params AttemptRecord[] records)
    {
        var outcomes = await node.Invocations.RecordAsync(records, default);

        // Of one invocation the lower attempt goes first; what is there twice counts once.
        foreach (var group in records.Zip(outcomes).GroupBy(pair => (pair.First.Message.InvocationId, pair.First.Message.Attempt)).OrderBy(group => group.Key.Attempt))
        {
            var invocation = invocations.Single(candidate => candidate.Id == group.Key.InvocationId);
            var isNew = invocation.IsNew(group.Key.Attempt);
            var recorded = group.Where(pair => pair.Second == RecordOutcome.Recorded).ToArray();
            Assert.Equal(isNew ? 1 : 0, recorded.Length);
            if (isNew)
            {
                invocation.Record(recorded[0].First);
            }
        }
    }

    /// <summary>As the gateway does: the attempt that the row names is recorded as cancelled, unless the row has ended.</summary>
    private async Task CancelAsync(ModelInvocation invocation)
    {
        var row = (await node.Invocations.FindAsync(WellKnownAccounts.Default, invocation.Id, default))?.Summary;
        Assert.Equal(invocation.State, row?.State);
        if (row is not null && !row.State.IsTerminal())
        {
            await RecordAsync(CancelOf(invocation.First with { Attempt = row.Attempt }));
            Assert.Equal(InvocationState.Cancelled, invocation.State);
        }
    }

    private async Task RedeliverAsync(ModelInvocation invocation, Step step)
    {
        if (invocation.Queue.Count == 0)
        {
            return;
        }

        var message = invocation.Queue[step.Choice % invocation.Queue.Count];
        var outcome = await node.Invocations.FindOutcomeAsync(invocation.Id, message.Attempt, default);
        Assert.Equal(invocation.OutcomeOf(message.Attempt), outcome);
        if (outcome is not null)
        {
            invocation.Queue.Remove(message);
            return;
        }

        Assert.Equal(invocation.MarkStarted(message.Attempt), await node.Invocations.MarkStartedAsync(message, "hello", "worker-1", default));
        Assert.Equal(invocation.Marks(message.Attempt), await node.Invocations.CountStartsAsync(invocation.Id, message.Attempt, default));
    }

    private async Task StartOnceAsync(ModelInvocation invocation, Step step)
    {
        if (invocation.Queue.Count > 0)
        {
            var message = invocation.Queue[step.Choice % invocation.Queue.Count];
            var start = await node.Invocations.StartOnceAsync(message, "hello", $"once-{++onceStarts}", time.GetUtcNow(), default);
            Assert.Equal(invocation.StartOnce(message.Attempt), start);
        }
    }

    private async Task RelayAsync(Step step)
    {
        var now = time.GetUtcNow();
        var due = invocations.SelectMany(invocation => invocation.Outbox.Where(row => row.Value <= now).Select(row => (invocation.Id, row.Key))).ToHashSet();
        var offered = new ConcurrentDictionary<(Guid Id, int Attempt), InvocationMessage>();
        await node.Outbox.RelayDueAsync(
            100,
            (message, _) =>
            {
                offered[(message.InvocationId, message.Attempt)] = message;
                return Fate(message) switch
                {
                    0 => Task.FromResult(false),
                    1 => throw new InvalidOperationException("died between the broker's confirm and the commit"),
                    _ => Task.FromResult(true),
                };
            },
            default);

        Assert.Equal(due.Order(), offered.Keys.Order());
        foreach (var message in offered.Values)
        {
            var invocation = invocations.Single(candidate => candidate.Id == message.InvocationId);
            if (Fate(message) != 0)
            {
                invocation.Queue.Add(message);
            }

            if (Fate(message) >= 2)
            {
                invocation.Outbox.Remove(message.Attempt);
            }
            else
            {
                invocation.Outbox[message.Attempt] = now.AddSeconds(1);
            }
        }

        // 0: refused; 1: published, and the row stays; others: published and done.
        int Fate(InvocationMessage message) => (step.Choice + message.Attempt) % 5;
    }

    private async Task ExpireAsync()
    {
        var now = time.GetUtcNow();
        var abandoned = invocations.Where(invocation => invocation.IsAbandoned(now)).ToArray();

        Assert.Equal(abandoned.Length, await node.Invocations.ExpireAsync(now, 100, "gateway-1", default));

        foreach (var invocation in abandoned)
        {
            var state = invocation.State == InvocationState.Running ? InvocationState.Lost : InvocationState.Expired;
            invocation.Record(Sample.Failure(invocation.First with { Attempt = invocation.Attempt }) with { State = state, HasEvent = false });
        }
    }

    private async Task RedriveAsync(ModelInvocation invocation)
    {
        var restarts = new[] { RestartOf(invocation), RestartOf(invocation) };
        var isOpen = invocation is { Letter: DeadLetterState.Open, KeepsEvent: true };

        var made = await Task.WhenAll(restarts.Select((restart, i) => Task.Run(() => (i == 0 ? node : other).DeadLetters.RedriveAsync([restart], default))));

        Assert.Equal(isOpen ? 1 : 0, made.Sum(ids => ids.Count));
        if (isOpen)
        {
            invocation.Letter = DeadLetterState.Redriven;
            Add(restarts[Array.FindIndex(made, ids => ids.Count == 1)]);
        }
    }

    private async Task DiscardAsync(ModelInvocation invocation)
    {
        var discarded = await node.DeadLetters.DiscardAsync(WellKnownAccounts.Default, [invocation.Id], default);

        Assert.Equal(invocation.Letter == DeadLetterState.Open, discarded.Contains(invocation.Id));
        invocation.Letter = discarded.Count == 1 ? DeadLetterState.Discarded : invocation.Letter;
    }

    private async Task ReplayAsync(ModelInvocation invocation)
    {
        var restart = RestartOf(invocation);

        Assert.Equal(invocation.KeepsEvent, await node.Events.ReplayAsync(restart, default));
        if (invocation.KeepsEvent)
        {
            Add(restart);
        }
    }

    private Task WaitAsync(Step step)
    {
        time.Advance(step.Flag ? TimeSpan.FromSeconds(2) : TimeSpan.FromMinutes(10));
        return Task.CompletedTask;
    }

    private async Task CompareAsync(Step step)
    {
        var stored = await StoredRows.ReadAsync(node);
        var expected = new SortedDictionary<Guid, string>(invocations.Where(invocation => invocation.State is not null).ToDictionary(
            invocation => invocation.Id,
            invocation => StoredRows.Line(
                invocation.State!.Value.ToWire(),
                invocation.Attempt,
                invocation.RecordedAttempt,
                invocation.Bills.Select(bill => $"{bill.Key}:{bill.Value.ToWire()}"),
                invocation.Outbox.Keys,
                invocation.Letter?.ToWire())));
        Assert.True(expected.SequenceEqual(stored), $"after {step} expected\n{string.Join('\n', expected)}\nfound\n{string.Join('\n', stored)}");
        foreach (var invocation in invocations)
        {
            // Whatever the model thinks: one end, in one bill; and of what ended the outbox holds at most what was published and recorded.
            Assert.Equal(invocation.HasEnded ? 1 : 0, invocation.Bills.Values.Count(state => state.IsTerminal()));
            Assert.True(!invocation.HasEnded || invocation.Outbox.Keys.All(attempt => attempt <= invocation.RecordedAttempt), $"the outbox could bring back {invocation.Id}");
        }
    }

    private ModelInvocation Target(Step step) => invocations[step.Target % invocations.Count];

    // Mostly of those that have ended: of the others there is nothing to re-drive.
    private ModelInvocation Ended(Step step)
    {
        var ended = invocations.Where(invocation => invocation.HasEnded).ToArray();
        return ended.Length == 0 || step.Choice == 0 ? Target(step) : ended[step.Target % ended.Length];
    }

    private void Add(Restart restart)
    {
        var made = new ModelInvocation(restart.Message) { MadeOf = restart.Of };
        made.Wait(restart.Message.DueAt);
        invocations.Add(made);
    }

    private Restart RestartOf(ModelInvocation old)
    {
        var now = time.GetUtcNow();
        var message = old.First with { InvocationId = Guid.CreateVersion7(now), AcceptedAt = now, DueAt = now, Deadline = now.AddHours(6) };
        return new Restart { Of = old.Id, Message = message, FunctionName = "hello" };
    }

    private AttemptRecord RecordOf(InvocationMessage message, int choice) => (choice % 6) switch
    {
        0 => Sample.Success(message),
        1 or 2 => Sample.Failure(message),
        3 => Sample.Retry(message, time.GetUtcNow().AddMinutes(5)),
        _ => Sample.Retry(message, time.GetUtcNow()),
    };

    private static AttemptRecord CancelOf(InvocationMessage message) => Sample.Failure(message) with
    {
        State = InvocationState.Cancelled,
        Error = new InvocationError { Code = ErrorCode.Cancelled, Message = "cancelled" },
        HasEvent = false,
    };
}
