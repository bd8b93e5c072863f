using System.Globalization;
using System.Reflection;
using Dapper;
using FaasCluster.Storage.Sql;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Migrations;

/// <summary>
/// Applies the numbered scripts of this folder that the database lacks, all in one transaction that only one node can be
/// in. Scripts are only ever appended.
/// </summary>
internal sealed class MigrationRunner(Database database, TimeProvider time, ILogger<MigrationRunner> log)
{
    /// <summary>Brings the schema up to date.</summary>
    /// <returns>Its version.</returns>
    /// <exception cref="InvalidOperationException">The schema is of a newer release.</exception>
    public Task<int> RunAsync(CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await database.LockMigrationsAsync(connection, transaction, cancellationToken).ConfigureAwait(false);
            await connection.ExecuteAsync(new CommandDefinition(
                $"CREATE TABLE IF NOT EXISTS schema_migrations (version integer PRIMARY KEY, name text NOT NULL, applied_at {database.TimeType} NOT NULL)",
                transaction: transaction,
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            var present = await connection.ExecuteScalarAsync<int>(new CommandDefinition(
                "SELECT coalesce(max(version), 0) FROM schema_migrations",
                transaction: transaction,
                cancellationToken: cancellationToken)).ConfigureAwait(false);
            var scripts = Scripts(database.Dialect);
            if (present > scripts[^1].Version)
            {
                throw new InvalidOperationException(
                    $"The store's schema has version {present}; this release knows versions up to {scripts[^1].Version}. Start a newer release, or restore the store of this one.");
            }

            foreach (var script in scripts.Where(script => script.Version > present))
            {
                await connection.ExecuteAsync(new CommandDefinition(
                    script.Text, transaction: transaction, commandTimeout: 0, cancellationToken: cancellationToken)).ConfigureAwait(false);
                await connection.ExecuteAsync(new CommandDefinition(
                    "INSERT INTO schema_migrations (version, name, applied_at) VALUES (@Version, @Name, @now)",
                    new { script.Version, script.Name, now = time.GetUtcNow() },
                    transaction,
                    cancellationToken: cancellationToken)).ConfigureAwait(false);
                log.Migrated(script.Name);
            }

            return scripts[^1].Version;
        },
        cancellationToken);

    /// <summary>The version of the newest script.</summary>
    public static int NewestVersion(string dialect) => Scripts(dialect)[^1].Version;

    // Resources are named FaasCluster.Storage.Migrations.{dialect}.{number}_{title}.sql.
    private static List<Script> Scripts(string dialect)
    {
        var assembly = Assembly.GetExecutingAssembly();
        var prefix = $"{typeof(MigrationRunner).Namespace}.{dialect}.";
        return
        [
            .. assembly.GetManifestResourceNames()
                .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal)
                .Select(name => Read(assembly, name, name[prefix.Length..])),
        ];
    }

    private static Script Read(Assembly assembly, string resource, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(resource)!);
        return new Script(int.Parse(name.AsSpan(0, 4), CultureInfo.InvariantCulture), Path.GetFileNameWithoutExtension(name), reader.ReadToEnd());
    }

    private sealed record Script(int Version, string Name, string Text);
}
