using FaasCluster.Contracts.Api;

namespace FaasCluster.Chaos.Checking;

/// <summary>Holds what the usage API answers against the sums of the bills.</summary>
internal static class UsageChecker
{
    // The API may round a sum of many digits.
    private const decimal Rounding = 0.000_001m;

    public static void Check(UsageReport report, IReadOnlyCollection<StoredBill> bills, Findings findings)
    {
        var lines = report.Functions.ToDictionary(line => line.Function);
        foreach (var function in bills.GroupBy(bill => bill.Function))
        {
            var wanted = (
                Attempts: (long)function.Count(),
                Errors: (long)function.Count(bill => bill.Error is not null),
                ColdStarts: (long)function.Count(bill => bill.ColdStart),
                BilledMs: function.Sum(bill => bill.BilledMs));
            if (!lines.TryGetValue(function.Key, out var line))
            {
                findings.Add(Invariants.Usage, $"{function.Key} has {wanted.Attempts} bills and no line of usage");
            }
            else if ((line.Attempts, line.Errors, line.ColdStarts, line.BilledMs) != wanted
                || Math.Abs(line.GbSeconds - function.Sum(bill => bill.GbSeconds)) > Rounding
                || Math.Abs(line.Cost - function.Sum(bill => bill.Cost)) > Rounding)
            {
                findings.Add(Invariants.Usage, $"{function.Key}: the usage API says {line}, the bills {wanted}");
            }
        }
    }
}
