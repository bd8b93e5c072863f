using System.Globalization;
using FaasCluster.Chaos.Arguments;
using FaasCluster.Chaos.Checking;
using FaasCluster.Chaos.Load;
using FaasCluster.Chaos.Nemesis;

namespace FaasCluster.Chaos.Reporting;

/// <summary>The outcome of a run.</summary>
internal sealed record ChaosReport
{
    public required ChaosArguments Arguments { get; init; }

    public required IReadOnlyList<InjectedFault> Faults { get; init; }

    /// <summary>Faults that were tried and did not take effect.</summary>
    public required int Unconfirmed { get; init; }

    public required IReadOnlyCollection<Finding> Findings { get; init; }

    /// <summary>Calls of which something was promised: 202, or a recorded answer.</summary>
    public required int Accepted { get; init; }

    public required int AcceptedAsynchronous { get; init; }

    public required int Failed { get; init; }

    public required int Unknown { get; init; }

    public required int Rows { get; init; }

    public required long Bills { get; init; }

    public required long Executions { get; init; }

    public required double ExecutionsPerInvocation { get; init; }

    /// <summary>Synchronous invocations that were executed more than once: the documented window.</summary>
    public required int SynchronousRepeated { get; init; }

    public required TimeSpan LongestCall { get; init; }

    public TimeSpan LongestRecovery => Faults.Count == 0 ? TimeSpan.Zero : Faults.Max(fault => fault.Recovery);

    /// <summary>No promise was broken; of a control run: that it was caught losing.</summary>
    public bool IsSound => Arguments.IsControl ? Count(Invariants.Lost) > 0 : Findings.Count == 0;

    /// <summary>The line to publish.</summary>
    public string Line => string.Create(
        CultureInfo.InvariantCulture,
        $"{Accepted} accepted, {Faults.Count} faults of {Faults.Select(fault => fault.Kind).Distinct().Count()} kinds, lost {Count(Invariants.Lost)}, duplicate records {Count(Invariants.DuplicateRecord)}, duplicate bills {Count(Invariants.DuplicateBill)}, unknown {Unknown}, executions per invocation {ExecutionsPerInvocation:0.0000}x, synchronous executed twice {SynchronousRepeated}, longest recovery {LongestRecovery.TotalSeconds:0.0} s");

    /// <summary>Everything, for people; the line to publish last.</summary>
    public IEnumerable<string> Lines()
    {
        foreach (var kind in Faults.GroupBy(fault => fault.Kind).OrderBy(kind => kind.Key, StringComparer.Ordinal))
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{kind.Key,-55} {kind.Count(),3} times, recovered in {kind.Average(fault => fault.Recovery.TotalSeconds):0.00} s, at most {kind.Max(fault => fault.Recovery.TotalSeconds):0.00} s");
        }

        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{AcceptedAsynchronous} answered 202, {Accepted - AcceptedAsynchronous} called and answered, {Failed} refused, {Unknown} unknown; longest answer {LongestCall.TotalSeconds:0.0} s; {Rows} records, {Bills} bills, {Executions} executions, {Unconfirmed} faults did not take effect and do not count");
        foreach (var invariant in Findings.GroupBy(finding => finding.Invariant))
        {
            yield return $"VIOLATED: {invariant.Key}, {invariant.Count()} times";
            foreach (var finding in invariant.Take(10))
            {
                yield return $"  {finding.Text}";
            }
        }

        if (Arguments.IsControl)
        {
            yield return IsSound ? "The control run was caught losing, as it must be." : "The control run was NOT caught losing: the harness proves nothing.";
        }

        yield return $"seed {Arguments.Seed}: {Arguments.Command}";
        yield return Line;
    }

    public static ChaosReport Make(
        ChaosArguments arguments, History history, FaultInjector injector, Findings findings, int rows, IReadOnlyCollection<StoredBill> bills, Executions executions, IEnumerable<Guid> synchronous) => new()
        {
            Arguments = arguments,
            Faults = injector.Faults,
            Unconfirmed = injector.Unconfirmed,
            Findings = findings.All,
            Accepted = history.Calls.Count(call => call.Outcome == CallOutcome.Ok),
            AcceptedAsynchronous = history.Calls.Count(call => call is { Outcome: CallOutcome.Ok, IsAsynchronous: true }),
            Failed = history.Calls.Count(call => call.Outcome == CallOutcome.Fail),
            Unknown = history.Calls.Count(call => call.Outcome == CallOutcome.Unknown),
            Rows = rows,
            Bills = bills.Count,
            Executions = executions.Total,
            ExecutionsPerInvocation = executions.PerInvocation,
            SynchronousRepeated = executions.RepeatedOf(synchronous),
            LongestCall = history.Calls.Count == 0 ? TimeSpan.Zero : history.Calls.Max(call => call.Took),
        };

    private int Count(string invariant) => Findings.Count(finding => finding.Invariant == invariant);
}
