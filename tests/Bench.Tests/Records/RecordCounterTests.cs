using System.Text;
using FaasCluster.Bench.Records;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage;
using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Maintenance;
using FaasCluster.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Bench.Tests.Records;

public sealed class RecordCounterTests(PostgresTestDatabase database) : IClassFixture<PostgresTestDatabase>, IAsyncLifetime
{
    private readonly string function = $"f-{Guid.NewGuid():N}";
    private IHost? host;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection([KeyValuePair.Create("ConnectionStrings:Postgres", (string?)database.ConnectionString)]);
        builder.Logging.ClearProviders();
        builder.Services.AddStorage(builder.Configuration);
        host = builder.Build();
        await host.StartAsync(Stop);
        await host.Services.GetRequiredService<IStoreMaintenance>().MigrateAsync(Stop);
        await host.Services.GetRequiredService<IAccountStore>().EnsureDefaultAsync(Stop);
    }

    public async ValueTask DisposeAsync()
    {
        await host!.StopAsync(CancellationToken.None);
        host.Dispose();
    }

    [Fact]
    public async Task Verify_OfWhatReallyRan_IsContent()
    {
        await using var records = new RecordCounter(database.ConnectionString);
        var since = DateTimeOffset.UtcNow;
        var transactions = await records.WriteTransactionsAsync(Stop);
        await RecordAsync("a", 1);
        await RecordAsync("a", 2);
        await RecordAsync("b", 1);

        await records.VerifyAsync(function, 3, Stop);
        Assert.Equal(3, await records.EndedAsync(function, since, Stop));
        Assert.Equal(0, await records.EndedAsync(function, since.AddHours(1), Stop));
        await records.WhenEndedAsync(function, since, 3, TimeSpan.FromMinutes(1), Stop);
        // The counter is the server's: others may write beside this test.
        Assert.True(await records.WriteTransactionsAsync(Stop) - transactions >= 3);
    }

    [Fact]
    public async Task Verify_OfALostInvocation_Fails()
    {
        await using var records = new RecordCounter(database.ConnectionString);
        var since = DateTimeOffset.UtcNow;
        await RecordAsync("a", 1);

        var failure = await Assert.ThrowsAsync<BenchFailedException>(() => records.VerifyAsync(function, 2, Stop));
        Assert.Contains("2 invocations were made; recorded are 1", failure.Message);
        await Assert.ThrowsAsync<BenchFailedException>(() => records.WhenEndedAsync(function, since, 2, TimeSpan.FromMilliseconds(50), Stop));
    }

    [Fact]
    public async Task Verify_OfAnExecutionThatHasNoRecord_Fails()
    {
        await using var records = new RecordCounter(database.ConnectionString);
        await RecordAsync("a", 1);
        await RecordAsync("a", 3);

        var failure = await Assert.ThrowsAsync<BenchFailedException>(() => records.VerifyAsync(function, 2, Stop));
        Assert.Contains("executed 3", failure.Message);
    }

    private async Task RecordAsync(string sandbox, int execution)
    {
        var now = DateTimeOffset.UtcNow;
        var record = new AttemptRecord
        {
            Message = new InvocationMessage
            {
                InvocationId = Guid.CreateVersion7(now),
                FunctionId = Guid.CreateVersion7(),
                Revision = 1,
                AccountId = WellKnownAccounts.Default,
                Kind = InvocationKind.Asynchronous,
                Trigger = TriggerKind.Api,
                AcceptedAt = now,
                DueAt = now,
                Deadline = now.AddHours(1),
                ContentType = "application/json",
                Body = "{}"u8.ToArray(),
            },
            FunctionName = function,
            MemoryBytes = 256L << 20,
            State = InvocationState.Succeeded,
            Result = new InvocationResult { Body = Encoding.UTF8.GetBytes($$"""{"s":"{{sandbox}}","n":{{execution}}}""") },
            StartedAt = now,
            EndedAt = now,
            Timings = new InvocationTimings(),
            ColdStart = false,
            WorkerId = "worker-1",
            Bill = new Bill { BilledMilliseconds = 1, GigabyteSeconds = 0.00025m, Cost = 0.0001m, PriceVersion = "default-1" },
        };
        await host!.Services.GetRequiredService<ICompletionWriter>().WriteAsync(record, Stop);
    }
}
