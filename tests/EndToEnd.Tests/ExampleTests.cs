using System.Net;
using System.Security.Cryptography;
using FaasCluster.EndToEnd.Tests.Hosting;
using FaasCluster.Testing;
using Npgsql;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Examples that want something built, installed or set up first: every command of their READMEs, on a cluster.</summary>
public sealed class ExampleTests
{
    // As it is written in the README.
    private const string DocumentedAddress = "10.1.0.5";
    private const int DatabasePort = 5432;

    [Fact]
    public async Task Readmes_OfExamples_DoWhatTheySay()
    {
        using var other = OtherHost.TryStart(DatabasePort, out var problem);

        // 1. What ./run would be told for the report, a worker is.
        var report = BlocksOf("report");
        var setting = report[0].Text.Trim()["./run --".Length..].Split('=');
        await using var platform = await ClusterPlatform.StartAsync(
            new Dictionary<string, string> { [setting[0]] = setting[1].Replace(DocumentedAddress, $"{other?.Address}", StringComparison.Ordinal) }.Where(_ => other is not null).ToDictionary(), workers: 1);
        using var place = new Workplace();
        await place.UseAsync(platform.Gateway.Url, platform.Key);

        // 2. Those that are built.
        foreach (var example in new[] { "csv2json", "invoice" })
        {
            place.TakeExample(example);
            foreach (var command in BlocksOf(example))
            {
                await command.RunAsync(place, platform.Gateway.Url, () => platform.Output);
            }
        }

        // 3. The one that needs a database.
        Assert.SkipWhen(other is null, problem ?? "");
        await CheckReportAsync(platform, place, other!, [.. report.Skip(1)]);
    }

    private static List<DocumentedBlock> BlocksOf(string example)
    {
        var blocks = DocumentedBlock.Read($"examples/{example}/README.md").Where(block => block.Language == "sh").ToList();
        Assert.InRange(blocks.Count, 2, 3);
        return blocks;
    }

    private static async Task CheckReportAsync(ClusterPlatform platform, Workplace place, OtherHost other, IReadOnlyList<DocumentedBlock> commands)
    {
        await using var database = await ShopDatabase.CreateAsync();
        await using var forwarder = new Forwarder(other.Listener, database.Host, database.Port);
        place.TakeExample("report");
        await File.WriteAllTextAsync(place.PathOf("admin-url"), database.AdministratorUrl($"{other.Address}"));
        await File.WriteAllTextAsync(place.PathOf("database-url"), database.ReaderUrl($"{other.Address}"));

        // 1. Table, deploy with its dependency, report.
        await commands[0].RunAsync(place, platform.Gateway.Url, () => platform.Output);
        await database.LetReadAsync();
        await commands[1].RunAsync(place, platform.Gateway.Url, () => platform.Output);
        var page = await platform.Client.Http.GetStringAsync("/fn/report?year=2026&region=north&format=html");
        Assert.Contains("<h1>Sales of 2026, north</h1>", page);
        Assert.Contains("<tr><td>total</td><td>3</td><td>1570.60</td><td>523.53</td><td></td></tr>", page);
        using (var answer = await platform.Client.Http.GetAsync("/fn/report?year=MMXXVI"))
        {
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }

        // 2. Its password does not hold any more, nor does its connection.
        await database.ShutOutAsync();
        var said = "";
        await Until.TrueAsync(
            async () =>
            {
                using var answer = await platform.Client.Http.GetAsync("/fn/report?year=2026");
                var failure = await FaasClient.ProblemAsync(answer, HttpStatusCode.BadGateway);
                Assert.Equal("function_error", failure.Code);
                said = failure.Detail ?? "";
                return said.Contains("refused the user", StringComparison.Ordinal);
            },
            "the function has heard that its connection is gone, and is refused another one",
            seen: () => said);
        Assert.Contains($"The database '{database.Name}' at {other.Address}:{DatabasePort} refused the user '{database.Name}': password authentication failed", said);
        Assert.Contains("Check DATABASE_URL", said);
        Assert.DoesNotContain(database.Password, said);
    }

    /// <summary>A database of a shop and somebody who may read it, both of one name.</summary>
    private sealed class ShopDatabase : IAsyncDisposable
    {
        private readonly NpgsqlConnectionStringBuilder server = new(TestServers.Postgres);

        public string Name { get; } = $"shop_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";

        public string Password { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

        public string Host => server.Host!;

        public int Port => server.Port;

        public static async Task<ShopDatabase> CreateAsync()
        {
            var made = new ShopDatabase();
            await TestDatabases.CreateAsync(TestServers.Postgres, made.Name);
            await ExecuteAsync(made.server, $"CREATE ROLE {made.Name} LOGIN PASSWORD '{made.Password}'");
            return made;
        }

        public string AdministratorUrl(string host) => $"postgres://{server.Username}:{Uri.EscapeDataString(server.Password!)}@{host}/{Name}";

        public string ReaderUrl(string host) => $"postgres://{Name}:{Password}@{host}/{Name}";

        public async Task ShutOutAsync()
        {
            await ExecuteAsync(server, $"ALTER ROLE {Name} PASSWORD 'another'");
            await ExecuteAsync(server, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{Name}'");
        }

        public Task LetReadAsync() => ExecuteAsync(new NpgsqlConnectionStringBuilder(server.ConnectionString) { Database = Name, Pooling = false }, $"GRANT SELECT ON sales TO {Name}");

        public async ValueTask DisposeAsync()
        {
            await TestDatabases.DropAsync(TestServers.Postgres, Name);
            await ExecuteAsync(server, $"DROP ROLE IF EXISTS {Name}");
        }

        private static async Task ExecuteAsync(NpgsqlConnectionStringBuilder where, string statement)
        {
            await using var connection = new NpgsqlConnection(where.ConnectionString);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync();
        }
    }
}
