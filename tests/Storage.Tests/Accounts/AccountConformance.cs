using FaasCluster.Contracts.Accounts;

namespace FaasCluster.Storage.Tests.Accounts;

public abstract class AccountConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Key_IsFoundByItsHashOnly()
    {
        var hash = $"{Guid.NewGuid():N}{Guid.NewGuid():N}";
        Assert.Null(await Node.Accounts.FindAccountByKeyAsync(hash, default));

        await Node.Accounts.AddKeyAsync(WellKnownAccounts.Default, "first", hash, default);
        await Node.Accounts.AddKeyAsync(WellKnownAccounts.Default, "again", hash, default);

        Assert.Equal(WellKnownAccounts.Default, await Node.Accounts.FindAccountByKeyAsync(hash, default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ABC")]
    [InlineData("GGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGGG")]
    public async Task Key_ThatIsNoHash_IsRefused(string hash) =>
        await Assert.ThrowsAnyAsync<Exception>(() => Node.Accounts.AddKeyAsync(WellKnownAccounts.Default, "bad", hash, default));

    [Fact]
    public async Task Key_OfAnUnknownAccount_IsRefused() =>
        await Assert.ThrowsAnyAsync<Exception>(() => Node.Accounts.AddKeyAsync("nobody", "bad", new string('a', 64), default));

    [Fact]
    public async Task EnsureDefault_AtOnce_DoesNotFail() =>
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Node.Accounts.EnsureDefaultAsync(default))));
}

public sealed class PostgresAccountTests(PostgresBackend backend) : AccountConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteAccountTests(SqliteBackend backend) : AccountConformance(backend), IClassFixture<SqliteBackend>;
