using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Usage;

public abstract class UsageConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task ByFunction_Sums_EqualTheSumOfTheRecords()
    {
        var account = $"a{Guid.NewGuid():N}";
        var random = new Random(42);
        var prices = new PriceTable();
        var start = DateTimeOffset.UtcNow.AddMinutes(-30);
        var records = Enumerable.Range(0, 500).Select(i =>
        {
            var message = Sample.Message(start.AddSeconds(i), account);
            var record = random.Next(4) == 0 ? Sample.Failure(message, $"f{i % 3}") : Sample.Success(message, $"f{i % 3}");
            var timings = new InvocationTimings { Run = TimeSpan.FromTicks(random.NextInt64(10_000_000_000)) };
            var memory = (random.Next(64, 10240) << 10) * 1024L;
            return record with
            {
                Timings = timings,
                ColdStart = random.Next(5) == 0,
                MemoryBytes = memory,
                Bill = Bill.For(timings, record.Error?.Code, memory, prices),
            };
        }).ToList();
        await Node.Invocations.RecordAsync([.. records, Sample.Success(Sample.Message(account: "other"), "f0")], default);

        // Half of them.
        var since = start.AddSeconds(100);
        var until = start.AddSeconds(350);
        var usage = await Node.Usage.ByFunctionAsync(account, since, until, default);

        Assert.Equal(["f0", "f1", "f2"], usage.Select(function => function.FunctionName));
        foreach (var function in usage)
        {
            var expected = records.Where(record => record.FunctionName == function.FunctionName && Within(record, since, until)).ToList();
            Assert.Equal(expected.Count, function.Attempts);
            Assert.Equal(expected.Count(record => record.Error is not null), function.Errors);
            Assert.Equal(expected.Count(record => record.ColdStart), function.ColdStarts);
            Assert.Equal(expected.Sum(record => record.Bill.BilledMilliseconds), function.BilledMilliseconds);
            Assert.Equal(expected.Sum(record => record.Bill.GigabyteSeconds), function.GigabyteSeconds);
            Assert.Equal(expected.Sum(record => record.Bill.Cost), function.Cost);
        }
    }

    [Fact]
    public async Task ByFunction_MoreDigitsThanADecimalHolds_IsRounded()
    {
        var account = $"a{Guid.NewGuid():N}";
        var tiny = Sample.Success(Sample.Message(account: account));
        var large = Sample.Success(Sample.Message(account: account));
        await Node.Invocations.RecordAsync(
            [
                tiny with { Bill = tiny.Bill with { GigabyteSeconds = 0.0000000000000000000000000001m } },
                large with { Bill = large.Bill with { GigabyteSeconds = 123456789.5m } },
            ],
            default);

        var usage = Assert.Single(await Node.Usage.ByFunctionAsync(account, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), default));

        Assert.Equal(123456789.5m, usage.GigabyteSeconds);
    }

    [Fact]
    public async Task ByFunction_OfNothing_IsEmpty() =>
        Assert.Empty(await Node.Usage.ByFunctionAsync("nobody", DateTimeOffset.UnixEpoch, DateTimeOffset.UtcNow, default));

    private static bool Within(AttemptRecord record, DateTimeOffset since, DateTimeOffset until)
    {
        var accepted = record.Message.AcceptedAt.ToUnixTimeMilliseconds();
        return accepted >= since.ToUnixTimeMilliseconds() && accepted < until.ToUnixTimeMilliseconds();
    }
}

public sealed class PostgresUsageTests(PostgresBackend backend) : UsageConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteUsageTests(SqliteBackend backend) : UsageConformance(backend), IClassFixture<SqliteBackend>;
