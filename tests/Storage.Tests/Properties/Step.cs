using FsCheck;
using FsCheck.Fluent;

namespace FaasCluster.Storage.Tests.Properties;

/// <summary>What gateways, workers, the broker and users can do to invocations, in any order.</summary>
public enum StepKind
{
    /// <summary>A gateway accepts an invocation: the message is in the broker, its row follows, comes later or never.</summary>
    Submit,

    /// <summary>The row of an accepted invocation is written, late or a second time.</summary>
    Accept,

    /// <summary>A worker ends an attempt that the broker delivered; perhaps its acknowledgement is lost, so that it comes again.</summary>
    Complete,

    /// <summary>Workers and the gateway record ends of the same attempt at the same time, over two connections.</summary>
    Race,

    /// <summary>Many attempts in one batch, some of them twice.</summary>
    Batch,

    /// <summary>A worker that was thought dead records an attempt of long ago.</summary>
    RecordLate,

    /// <summary>Somebody cancels.</summary>
    Cancel,

    /// <summary>The broker delivers again: the worker looks for an outcome and marks the start.</summary>
    Redeliver,

    /// <summary>A worker starts what must not run twice.</summary>
    StartOnce,

    /// <summary>The relay publishes what is due; some is refused, some is published and stays all the same.</summary>
    Relay,

    /// <summary>The reconciler ends what is too old.</summary>
    Expire,

    /// <summary>Two users re-drive the same dead letter at the same time.</summary>
    Redrive,

    /// <summary>A user gives a dead letter up.</summary>
    Discard,

    /// <summary>A user replays an ended invocation.</summary>
    Replay,

    /// <summary>Time passes.</summary>
    Wait,
}

/// <summary>One step. The numbers choose among what there is when it is taken, so that every part of a sequence is a sequence.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Target">To which invocation.</param>
/// <param name="Choice">How.</param>
/// <param name="Flag">A detail: see the step.</param>
public sealed record Step(StepKind Kind, int Target, int Choice, bool Flag)
{
    private const int Longest = 40;

    private static readonly Gen<StepKind> Kinds = Gen.Frequency(
        (5, Gen.Constant(StepKind.Submit)),
        (2, Gen.Constant(StepKind.Accept)),
        (8, Gen.Constant(StepKind.Complete)),
        (3, Gen.Constant(StepKind.Race)),
        (3, Gen.Constant(StepKind.Batch)),
        (4, Gen.Constant(StepKind.RecordLate)),
        (3, Gen.Constant(StepKind.Cancel)),
        (3, Gen.Constant(StepKind.Redeliver)),
        (2, Gen.Constant(StepKind.StartOnce)),
        (5, Gen.Constant(StepKind.Relay)),
        (2, Gen.Constant(StepKind.Expire)),
        (3, Gen.Constant(StepKind.Redrive)),
        (1, Gen.Constant(StepKind.Discard)),
        (2, Gen.Constant(StepKind.Replay)),
        (2, Gen.Constant(StepKind.Wait)));

    private static readonly Gen<Step> Steps =
        from kind in Kinds
        from target in Gen.Choose(0, 11)
        from choice in Gen.Choose(0, 11)
        from flag in Gen.Elements(true, false)
        select new Step(kind, target, choice, flag);

    /// <summary>Sequences of steps; those that fail are made shorter.</summary>
    public static Arbitrary<Step[]> Sequences { get; } = Arb.From(
        from length in Gen.Choose(1, Longest)
        from steps in Steps.ArrayOf(length)
        select steps,
        Shorten);

    // Halves go first, then quarters, down to single steps.
    private static IEnumerable<Step[]> Shorten(Step[] steps)
    {
        for (var size = steps.Length / 2; size >= 1; size /= 2)
        {
            for (var at = 0; at + size <= steps.Length; at += size)
            {
                yield return [.. steps[..at], .. steps[(at + size)..]];
            }
        }
    }
}
