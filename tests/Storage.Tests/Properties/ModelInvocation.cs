using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Properties;

/// <summary>What must be known of one invocation: the rules of recording, written down a second time without a database.</summary>
internal sealed class ModelInvocation(InvocationMessage first)
{
    private readonly Dictionary<int, int> marks = [];

    public Guid Id => first.InvocationId;

    public InvocationMessage First => first;

    /// <summary>Messages in the broker, those that will come again included.</summary>
    public List<InvocationMessage> Queue { get; } = [];

    /// <summary>Null: there is no row.</summary>
    public InvocationState? State { get; private set; }

    public int Attempt { get; private set; }

    public int RecordedAttempt { get; private set; }

    /// <summary>Recorded attempts with the state that each led to.</summary>
    public SortedDictionary<int, InvocationState> Bills { get; } = [];

    /// <summary>Attempts that are to be published, with their times.</summary>
    public SortedDictionary<int, DateTimeOffset> Outbox { get; } = [];

    public DeadLetterState? Letter { get; set; }

    public bool KeepsEvent { get; private set; }

    public Guid? MadeOf { get; init; }

    public bool HasEnded => State?.IsTerminal() == true;

    public bool IsOpen => State is InvocationState.Queued or InvocationState.Running;

    public int Marks(int attempt) => marks.GetValueOrDefault(attempt);

    public void Accept()
    {
        if (State is null)
        {
            (State, Attempt) = (InvocationState.Queued, 1);
        }
    }

    /// <summary>A new invocation that waits in the outbox: a re-drive or a replay.</summary>
    public void Wait(DateTimeOffset due)
    {
        Accept();
        Outbox[1] = due;
    }

    /// <summary>Whether a record of this attempt is new.</summary>
    public bool IsNew(int attempt) => State is null || (IsOpen && RecordedAttempt < attempt);

    /// <summary>A record that is new.</summary>
    public void Record(AttemptRecord record)
    {
        (State, RecordedAttempt, Attempt) = (record.State, record.Message.Attempt, record.NextAttempt?.Attempt ?? record.Message.Attempt);
        Bills.Add(record.Message.Attempt, record.State);
        if (record.NextAttempt is { } next)
        {
            Outbox.TryAdd(next.Attempt, next.DueAt);
        }

        if (record.State == InvocationState.Cancelled)
        {
            Outbox.Clear();
        }

        if (record.State is InvocationState.Failed or InvocationState.Expired or InvocationState.Lost)
        {
            Letter = DeadLetterState.Open;
        }

        KeepsEvent = record.HasEvent && HasEnded;
    }

    /// <summary>What a worker that gets the attempt again is told.</summary>
    public InvocationState? OutcomeOf(int attempt) =>
        Bills.TryGetValue(attempt, out var state) ? state
        : HasEnded ? State
        : State is not null && RecordedAttempt > attempt ? InvocationState.Queued
        : null;

    /// <summary>One more start of a redelivered attempt.</summary>
    public int MarkStarted(int attempt)
    {
        Run(attempt);
        return marks[attempt] = Marks(attempt) + 1;
    }

    public StartOutcome StartOnce(int attempt)
    {
        var isFirst = Marks(attempt) == 0;
        if (isFirst)
        {
            marks[attempt] = 1;
            Run(attempt);
        }

        return OutcomeOf(attempt) is not null ? StartOutcome.Ended : isFirst ? StartOutcome.Started : StartOutcome.StartedBefore;
    }

    /// <summary>Whether the reconciler ends it: too old, and nothing in the outbox would bring it back.</summary>
    public bool IsAbandoned(DateTimeOffset now) =>
        Outbox.Count == 0
        && ((State == InvocationState.Queued && first.Deadline < now) || (State == InvocationState.Running && first.Deadline < now.AddHours(-1)));

    private void Run(int attempt)
    {
        if (State is null || (State == InvocationState.Queued && RecordedAttempt < attempt))
        {
            (State, Attempt) = (InvocationState.Running, attempt);
        }
    }
}
