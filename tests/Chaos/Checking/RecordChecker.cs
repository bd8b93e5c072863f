using FaasCluster.Chaos.Functions;
using FaasCluster.Chaos.Load;

namespace FaasCluster.Chaos.Checking;

/// <summary>Holds the store's rows against the history.</summary>
internal sealed class RecordChecker(IReadOnlyCollection<StoredInvocation> invocations, IReadOnlyCollection<StoredBill> bills, Executions executions, Findings findings)
{
    private static readonly Dictionary<string, TestFunction> ByName = TestFunctions.All.ToDictionary(function => function.Name);

    public void Check(IReadOnlyCollection<Call> calls)
    {
        var rows = invocations.ToLookup(row => row.Id);
        var billsOf = bills.ToLookup(bill => bill.Id);

        // 1. Whatever the callers know: every row is sound.
        foreach (var same in rows)
        {
            if (same.Count() > 1)
            {
                findings.Add(Invariants.DuplicateRecord, $"{same.Key} has {same.Count()} rows");
            }

            CheckRow(same.First(), [.. billsOf[same.Key].OrderBy(bill => bill.Attempt)]);
        }

        foreach (var orphan in billsOf.Where(same => !rows.Contains(same.Key)))
        {
            findings.Add(Invariants.BillWithoutAttempt, $"{orphan.Key} has a bill and no row");
        }

        // 2. What the callers were promised.
        foreach (var call in calls)
        {
            if (call.Violation is { } violation)
            {
                findings.Add(violation.StartsWith("the answer", StringComparison.Ordinal) ? Invariants.ForeignResult : Invariants.Answer, $"{call.Id} of {call.Function}: {violation}");
            }

            if (call is { Outcome: CallOutcome.Ok, Id: { } id })
            {
                CheckPromise(call, rows[id].FirstOrDefault(), [.. billsOf[id]]);
            }
            else if (call.Outcome == CallOutcome.Ok)
            {
                findings.Add(Invariants.Answer, $"a call of {call.Function} was answered {call.Status} without an id");
            }
        }
    }

    private void CheckRow(StoredInvocation row, IReadOnlyList<StoredBill> own)
    {
        foreach (var same in own.GroupBy(bill => bill.Attempt).Where(same => same.Count() > 1))
        {
            findings.Add(Invariants.DuplicateBill, $"{row.Id} has {same.Count()} bills for attempt {same.Key}");
        }

        if (own.Count(bill => bill.State != "queued") is var ends && ends > 1)
        {
            findings.Add(Invariants.DuplicateRecord, $"{row.Id} ended {ends} times: {string.Join(", ", own.Select(bill => bill.State))}");
        }

        var attempts = own.Select(bill => bill.Attempt).Distinct().ToList();
        if (Enumerable.Range(1, row.RecordedAttempt).Except(attempts).ToList() is { Count: > 0 } missing)
        {
            findings.Add(Invariants.AttemptWithoutBill, $"{row.Id} recorded attempt {row.RecordedAttempt}, and has no bill for {string.Join(", ", missing)}");
        }

        if (attempts.Where(attempt => attempt > row.RecordedAttempt).ToList() is { Count: > 0 } beyond)
        {
            findings.Add(Invariants.BillWithoutAttempt, $"{row.Id} recorded attempt {row.RecordedAttempt}, and has a bill for {string.Join(", ", beyond)}");
        }

        if (row.HasEnded && own.Count > 0 && own[^1].State != row.State)
        {
            findings.Add(Invariants.WrongEnd, $"{row.Id} is {row.State}, and its last bill says {own[^1].State}");
        }

        // What only a function can answer, it must have been asked.
        foreach (var bill in own.Where(bill => bill.Error is null or "function_error" && executions.Of(bill.Id, bill.Attempt) == 0))
        {
            findings.Add(Invariants.Execution, $"{row.Id} attempt {bill.Attempt} is recorded as {bill.State} and was never executed");
        }
    }

    private void CheckPromise(Call call, StoredInvocation? row, IReadOnlyList<StoredBill> own)
    {
        var name = $"{call.Id} of {call.Function} ({(call.IsAsynchronous ? "asynchronous" : "synchronous")}, answered {call.Status} at {call.At.TotalSeconds:0.0} s)";
        if (row is not { HasEnded: true })
        {
            findings.Add(Invariants.Lost, $"{name} {(row is null ? "has no record" : $"is still {row.State}")}");
            return;
        }

        if (own.Count == 0)
        {
            findings.Add(Invariants.AttemptWithoutBill, $"{name} is {row.State} and has no bill");
        }

        var wanted = call.IsAsynchronous ? ByName[call.Function].EndState : call.Status == 200 ? "succeeded" : null;
        if (wanted is not null && row.State != wanted)
        {
            findings.Add(Invariants.WrongEnd, $"{name} is {row.State}; expected {wanted}; its attempts: {string.Join(", ", own.OrderBy(bill => bill.Attempt).Select(bill => bill.Error ?? "succeeded"))}");
        }

        if (call.IsAsynchronous && row.State == "succeeded" && (row.Result is null ? "its result is not kept" : Answers.Check(row.Result, call.Nonce, call.Sha256)) is { } wrong)
        {
            findings.Add(Invariants.ForeignResult, $"{name}: {wrong}");
        }

        if (own.Where(bill => bill.Error == "function_error").DistinctBy(bill => bill.Attempt).Count() is var raised && call.Failures != int.MaxValue && raised > call.Failures)
        {
            findings.Add(Invariants.WrongEnd, $"{name} raised {raised} errors; it was told to raise {call.Failures}");
        }
    }
}
