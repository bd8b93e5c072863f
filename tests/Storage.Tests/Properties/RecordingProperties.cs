using System.Globalization;
using System.Security.Cryptography;
using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Functions;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Storage.Tests.Properties;

/// <summary>
/// Random sequences of everything that can happen to invocations, on the real store and on a model of it. A run prints its seed;
/// FAAS_TEST_SEED repeats it, FAAS_TEST_SEQUENCES sets how many sequences there are.
/// </summary>
public abstract class RecordingProperties(StoreBackend backend) : Conformance(backend)
{
    // Odd, as the generator asks of it.
    private const ulong Gamma = 0x9E3779B97F4A7C15;

    [Fact]
    public async Task Recording_AnySequence_DoesWhatTheModelSays()
    {
        var seed = Setting("FAAS_TEST_SEED") ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        var sequences = (int)(Setting("FAAS_TEST_SEQUENCES") ?? (Backend.IsPostgres ? 60UL : 30UL));
        TestContext.Current.TestOutputHelper!.WriteLine($"FAAS_TEST_SEED={seed} FAAS_TEST_SEQUENCES={sequences}");
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var (node, other) = (await AddNodeAsync(time), Backend.IsPostgres ? await AddNodeAsync(time) : null);
        var functionId = await DeployAsync();

        // On threads of its own: properties are run and shrunk by one that waits for each.
        var failure = await Task.Run(() => Record.Exception(() => Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(sequences).WithQuietOnSuccess(true).WithReplay(seed, Gamma),
            Prop.ForAll(Step.Sequences, steps => new RecordingMachine(node, other ?? node, time, functionId).RunAsync(steps)))));

        Assert.True(failure is null, $"FAAS_TEST_SEED={seed} repeats this.\n{failure?.Message}\n{failure?.InnerException}");
    }

    private async Task<Guid> DeployAsync()
    {
        var package = $"{Guid.NewGuid():N}{Guid.NewGuid():N}";
        await Node.Packages.PutAsync(package, new byte[] { 1 }, default);
        var manifest = new FunctionManifest { Name = "hello", Runtime = RuntimeIds.Python3, Handler = "a.b" };
        return (await Node.Functions.AddRevisionAsync(WellKnownAccounts.Default, manifest, package, 1, default)).FunctionId;
    }

    private static ulong? Setting(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}

public sealed class PostgresRecordingProperties(PostgresBackend backend) : RecordingProperties(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteRecordingProperties(SqliteBackend backend) : RecordingProperties(backend), IClassFixture<SqliteBackend>;
