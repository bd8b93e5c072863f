using System.Text;
using FaasCluster.Chaos.Checking;
using FaasCluster.Chaos.Functions;
using FaasCluster.Chaos.Load;

namespace FaasCluster.Chaos.Tests;

/// <summary>A run without a flaw, for tests to plant one in.</summary>
internal sealed class Planted
{
    public Guid Id { get; } = Guid.NewGuid();

    public List<Call> Calls { get; } = [];

    public List<StoredInvocation> Rows { get; } = [];

    public List<StoredBill> Bills { get; } = [];

    public List<(Guid Id, int Attempt)> Executed { get; } = [];

    /// <summary>An accepted asynchronous invocation that failed once as told, and succeeded.</summary>
    public static Planted Sound()
    {
        var run = new Planted();
        run.Calls.Add(new Call
        {
            Function = "flaky",
            IsAsynchronous = true,
            Nonce = "7-x",
            Sha256 = "abc",
            Failures = 1,
            Gateway = "http://gateway",
            At = TimeSpan.FromSeconds(1),
            Status = 202,
            Outcome = CallOutcome.Ok,
            Id = run.Id,
        });
        run.Rows.Add(new StoredInvocation(run.Id, "flaky", "asynchronous", "succeeded", 2, Encoding.UTF8.GetBytes("""{"n":"7-x","sha256":"abc"}""")));
        run.Bills.Add(Bill(run.Id, 1, "queued", "function_error"));
        run.Bills.Add(Bill(run.Id, 2, "succeeded", null));
        run.Executed.AddRange([(run.Id, 1), (run.Id, 2)]);
        return run;
    }

    /// <summary>An answered call.</summary>
    public static Planted SoundCall()
    {
        var run = new Planted();
        run.Calls.Add(new Call
        {
            Function = TestFunctions.Python,
            IsAsynchronous = false,
            Nonce = "8-x",
            Sha256 = "abc",
            Failures = 0,
            Gateway = "http://gateway",
            At = TimeSpan.FromSeconds(1),
            Status = 200,
            Outcome = CallOutcome.Ok,
            Id = run.Id,
        });
        run.Rows.Add(new StoredInvocation(run.Id, TestFunctions.Python, "synchronous", "succeeded", 1, null));
        run.Bills.Add(Bill(run.Id, 1, "succeeded", null));
        run.Executed.Add((run.Id, 1));
        return run;
    }

    public static StoredBill Bill(Guid id, int attempt, string state, string? error) => new(id, attempt, "flaky", state, error, ColdStart: false, BilledMs: 10, GbSeconds: 0.1m, Cost: 0.01m);

    /// <summary>The names of what the checker finds.</summary>
    public IReadOnlyList<string> Check()
    {
        var findings = new Findings();
        new RecordChecker(Rows, Bills, Executions.Of(Executed), findings).Check(Calls);
        return [.. findings.All.Select(finding => finding.Invariant).Distinct()];
    }
}
