namespace FaasCluster.Chaos.Checking;

/// <summary>The names of what is checked.</summary>
internal static class Invariants
{
    public const string Lost = "lost";
    public const string DuplicateRecord = "duplicate record";
    public const string DuplicateBill = "duplicate bill";
    public const string AttemptWithoutBill = "attempt without bill";
    public const string BillWithoutAttempt = "bill without attempt";
    public const string WrongEnd = "wrong end";
    public const string ForeignResult = "foreign result";
    public const string Execution = "record without execution";
    public const string Usage = "usage differs";
    public const string Left = "left behind";
    public const string Answer = "answer";
}
