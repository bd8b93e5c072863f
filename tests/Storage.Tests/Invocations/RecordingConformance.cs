using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Tests.Invocations;

public abstract class RecordingConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Record_Success_IsReadBackWhole()
    {
        var record = Sample.Success(Sample.Message());

        var outcome = Assert.Single(await Node.Invocations.RecordAsync([record], default));

        Assert.Equal(RecordOutcome.Recorded, outcome);
        var details = await FindAsync(record);
        Assert.Equal(InvocationState.Succeeded, details.Summary.State);
    }

    private async Task<InvocationDetails> FindAsync(AttemptRecord record) =>
        (await Node.Invocations.FindAsync(WellKnownAccounts.Default, record.Message.InvocationId, default))!;
}

public sealed class PostgresRecordingTests(PostgresBackend backend) : RecordingConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteRecordingTests(SqliteBackend backend) : RecordingConformance(backend), IClassFixture<SqliteBackend>;
