using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Functions;

namespace FaasCluster.Storage.Tests.Functions;

public abstract class FunctionConformance(StoreBackend backend) : Conformance(backend)
{
    private const string Account = WellKnownAccounts.Default;

    [Fact]
    public async Task AddRevision_First_IsReadBackWhole()
    {
        var manifest = new FunctionManifest
        {
            Name = Name(),
            Runtime = RuntimeIds.Python3,
            Handler = "app.handler",
            Signature = HandlerSignature.Http,
            MemoryBytes = 100_000_001,
            Timeout = TimeSpan.FromMilliseconds(1500),
            KeepAlive = TimeSpan.FromMinutes(1),
            UrlAuth = UrlAuth.None,
            Environment = new Dictionary<string, string> { ["A"] = "ä\n\"", ["B"] = "" },
            Retries = new RetryPolicy { Attempts = 3, Backoff = [TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5)], MaximumAge = TimeSpan.FromHours(1) },
        };
        var package = await PutPackageAsync();

        var added = await Node.Functions.AddRevisionAsync(Account, manifest, package, 123, default);

        Assert.Equal(7, added.FunctionId.Version);
        Assert.Equal(1, added.Revision);
        foreach (var found in new[]
        {
            await Node.Functions.FindAsync(Account, manifest.Name, default),
            await Node.Functions.FindCurrentAsync(added.FunctionId, default),
            await Node.Functions.FindRevisionAsync(added.FunctionId, 1, default),
        })
        {
            Assert.Equal(manifest.Environment, found!.Manifest.Environment);
            Assert.Equal(manifest.Retries.Backoff, found.Manifest.Retries.Backoff);
            var environment = new Dictionary<string, string>();
            var retries = new RetryPolicy();
            Assert.Equal(
                added with { Manifest = manifest with { Environment = environment, Retries = retries } },
                found with { Manifest = found.Manifest with { Environment = environment, Retries = retries } });
        }
    }

    [Fact]
    public async Task AddRevision_Second_IsCurrentAndTheFirstStays()
    {
        var name = Name();
        var first = await DeployAsync(name);
        var second = await DeployAsync(name, "b");

        Assert.Equal(first.FunctionId, second.FunctionId);
        Assert.Equal(2, second.Revision);
        Assert.Equal("b.handler", (await Node.Functions.FindAsync(Account, name, default))!.Manifest.Handler);
        Assert.Equal("a.handler", (await Node.Functions.FindRevisionAsync(first.FunctionId, 1, default))!.Manifest.Handler);
        Assert.Null(await Node.Functions.FindRevisionAsync(first.FunctionId, 3, default));
        Assert.Equal([2, 1], (await Node.Functions.ListRevisionsAsync(Account, name, default)).Select(revision => revision.Revision));
    }

    [Fact]
    public async Task AddRevision_ByManyAtOnce_CountsConsecutively()
    {
        var name = Name();
        var package = await PutPackageAsync();
        var nodes = Backend.IsPostgres ? [Node, await AddNodeAsync()] : new[] { Node };

        var added = await Task.WhenAll(Enumerable.Range(0, 24).Select(i => Task.Run(() =>
            nodes[i % nodes.Length].Functions.AddRevisionAsync(Account, Manifest(name, "a"), package, 1, default))));

        Assert.Equal(Enumerable.Range(1, 24), added.Select(revision => revision.Revision).Order());
        Assert.Single(added.Select(revision => revision.FunctionId).Distinct());
    }

    [Fact]
    public async Task AddRevision_WithoutItsPackage_IsRefusedAndLeavesNothing()
    {
        var name = Name();

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() =>
            Node.Functions.AddRevisionAsync(Account, Manifest(name, "a"), new string('0', 64), 1, default));

        Assert.Contains("Deploy again", exception.Message);
        Assert.Null(await Node.Functions.FindAsync(Account, name, default));
    }

    [Fact]
    public async Task Find_OfAnotherAccount_IsNothing()
    {
        var function = await DeployAsync(Name());

        Assert.Null(await Node.Functions.FindAsync("other", function.Manifest.Name, default));
        Assert.Empty(await Node.Functions.ListRevisionsAsync("other", function.Manifest.Name, default));
        Assert.Null(await Node.Functions.DeleteAsync("other", function.Manifest.Name, default));
    }

    [Fact]
    public async Task Delete_FreesTheNameAndKeepsTheRevisions()
    {
        var name = Name();
        var old = await DeployAsync(name);
        var before = DateTimeOffset.UtcNow.AddSeconds(-1);

        Assert.Equal(old.FunctionId, await Node.Functions.DeleteAsync(Account, name, default));

        Assert.Null(await Node.Functions.DeleteAsync(Account, name, default));
        Assert.Null(await Node.Functions.FindAsync(Account, name, default));
        Assert.Null(await Node.Functions.FindCurrentAsync(old.FunctionId, default));
        Assert.NotNull(await Node.Functions.FindRevisionAsync(old.FunctionId, 1, default));
        Assert.Contains(old.FunctionId, await Node.Functions.ListDeletedAsync(before, 1000, default));
        Assert.DoesNotContain(old.FunctionId, await Node.Functions.ListDeletedAsync(DateTimeOffset.UtcNow.AddHours(1), 1000, default));
        var renewed = await DeployAsync(name);
        Assert.NotEqual(old.FunctionId, renewed.FunctionId);
        Assert.Equal(1, renewed.Revision);
    }

    [Fact]
    public async Task List_Pages_ReturnEveryFunctionOnceByName()
    {
        var prefix = Name();
        var names = Enumerable.Range(0, 25).Select(i => $"{prefix}-{i:00}").ToList();
        foreach (var name in names.OrderBy(_ => Random.Shared.Next()))
        {
            await DeployAsync(name);
        }

        await DeployAsync(names[0], "b");
        var listed = new List<string>();
        IReadOnlyList<FunctionRevision> page;
        do
        {
            page = await Node.Functions.ListAsync(Account, listed.Count == 0 ? null : listed[^1], 10, default);
            listed.AddRange(page.Select(function => function.Manifest.Name));
        }
        while (page.Count == 10);

        Assert.Equal(listed.Order(StringComparer.Ordinal), listed);
        Assert.Equal(names, listed.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task KeptLoaded_IsWhatTheCurrentRevisionOfALivingFunctionSays()
    {
        var (kept, loosened, deleted) = (Name(), Name(), Name());
        var current = await DeployKeptAsync(kept, 2);
        await DeployKeptAsync(loosened, 2);
        await DeployAsync(loosened);
        await DeployKeptAsync(deleted, 2);
        await Node.Functions.DeleteAsync(Account, deleted, default);

        var found = await Node.Functions.ListKeptLoadedAsync(default);

        Assert.Equal([current.FunctionId], found.Where(function => new[] { kept, loosened, deleted }.Contains(function.Manifest.Name)).Select(function => function.FunctionId));
        Assert.Equal(2, found.Single(function => function.FunctionId == current.FunctionId).Manifest.MinInstances);
    }

    private async Task<FunctionRevision> DeployKeptAsync(string name, int instances) =>
        await Node.Functions.AddRevisionAsync(Account, Manifest(name, "a") with { MinInstances = instances }, await PutPackageAsync(), 1, default);

    private static string Name() => $"f{Guid.NewGuid():N}"[..20];

    private static FunctionManifest Manifest(string name, string module) => new() { Name = name, Runtime = RuntimeIds.Python3, Handler = $"{module}.handler" };

    private async Task<FunctionRevision> DeployAsync(string name, string module = "a") =>
        await Node.Functions.AddRevisionAsync(Account, Manifest(name, module), await PutPackageAsync(), 1, default);

    private async Task<string> PutPackageAsync()
    {
        var hash = $"{Guid.NewGuid():N}{Guid.NewGuid():N}";
        await Node.Packages.PutAsync(hash, new byte[] { 1 }, default);
        return hash;
    }
}

public sealed class PostgresFunctionTests(PostgresBackend backend) : FunctionConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteFunctionTests(SqliteBackend backend) : FunctionConformance(backend), IClassFixture<SqliteBackend>;
