using System.Data.Common;
using System.Net.Sockets;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Invocations;
using Npgsql;

namespace FaasCluster.Storage.Sql;

/// <summary>PostgreSQL: a batch is one prepared statement over arrays, so it costs one round trip and one commit.</summary>
internal sealed class PostgresDatabase : Database
{
    // "faas" in ASCII: the advisory lock of the migrations.
    private const long MigrationLock = 0x66616173;

    // "slot": the first of two keys, so that it is none of the locks with one.
    private const int SlotLock = 0x736c6f74;

    // One statement is one transaction by itself: no BEGIN and no COMMIT to wait for. The parts see the same snapshot and
    // hand on what was new by their RETURNING.
    private static readonly string RecordStatement =
        $"""
        WITH input AS MATERIALIZED (SELECT * FROM {InvocationRows.Attempts.ArraySource}),
        recorded AS ({InvocationSql.RecordAttempts("input")} RETURNING invocation_id),
        bills AS ({InvocationSql.RecordBills("input JOIN recorded USING (invocation_id)")}),
        queued AS ({InvocationSql.QueueNext("input JOIN recorded USING (invocation_id)")}),
        dead AS ({InvocationSql.AddDeadLetters("input JOIN recorded USING (invocation_id)")}),
        dropped AS ({InvocationSql.DropPayloads("input JOIN recorded USING (invocation_id)")}),
        withdrawn AS ({InvocationSql.DropOutbox("input JOIN recorded USING (invocation_id)")})
        SELECT invocation_id FROM recorded
        """;

    private readonly NpgsqlDataSource _source;
    private readonly string _server;

    public PostgresDatabase(string connectionString)
    {
        DapperMapping.Ensure();
        var given = new DbConnectionStringBuilder { ConnectionString = connectionString };
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            // Sessions are left as they were found, so the reset before each use is not needed.
            NoResetOnClose = true,
        };
        settings.ApplicationName ??= "faascluster";
        settings.MaxAutoPrepare = settings.MaxAutoPrepare == 0 ? 100 : settings.MaxAutoPrepare;
        settings.AutoPrepareMinUsages = 2;
        if (!given.ContainsKey("Maximum Pool Size") && !given.ContainsKey("MaxPoolSize"))
        {
            // Many nodes share the hundred connections that a server allows by default.
            settings.MaxPoolSize = 20;
        }

        _server = $"{settings.Host}:{settings.Port}";
        _source = NpgsqlDataSource.Create(settings);
    }

    public override string Dialect => "postgres";

    public override string Where => _server;

    public override string ForUpdateSkipLocked => "FOR UPDATE SKIP LOCKED";

    public override string ForUpdate => "FOR UPDATE";

    public override string ForShare => "FOR SHARE";

    public override string TimeType => "timestamptz";

    // Not now(), which is the beginning of the transaction: it may have waited for a lock since.
    public override string Clock => "clock_timestamp()";

    public override bool HasOneWorker => false;

    public override string DecimalSums => "1 AS times, sum(gb_seconds)::text AS gb_seconds, sum(cost)::text AS cost";

    public NpgsqlDataSource Source => _source;

    public override string IsIn(string parameter) => $"= ANY ({parameter})";

    public override string DecimalGroups(string columns) => columns;

    public override async Task LockMigrationsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"SELECT pg_advisory_xact_lock({MigrationLock})";
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    public override string ClockPlus(string seconds) => $"clock_timestamp() + make_interval(secs => {seconds})";

    public override async Task LockAsync(DbConnection connection, DbTransaction transaction, Guid key, CancellationToken cancellationToken)
    {
        // Two keys that share a hash wait for each other, and that is all.
        await using var command = new NpgsqlCommand("SELECT pg_advisory_xact_lock($1, hashtext($2))", (NpgsqlConnection)connection, (NpgsqlTransaction)transaction);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = SlotLock });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key.ToString("N") });
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    public override async Task ExecuteAsync<T>(
        DbConnection connection,
        DbTransaction transaction,
        RowSet<T> shape,
        Func<string, string> statement,
        IReadOnlyList<T> rows,
        CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
        {
            return;
        }

        await using var command = new NpgsqlCommand(statement(shape.ArraySource), (NpgsqlConnection)connection, (NpgsqlTransaction)transaction);
        shape.AddArrays(command.Parameters, rows);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    public override ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>Runs statements on one connection outside a transaction.</summary>
    public async Task<T> RunAsync<T>(Func<NpgsqlConnection, Task<T>> run, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            return await run(connection).ConfigureAwait(false);
        }
        catch (Exception exception) when (Unavailable(exception) is { } unavailable)
        {
            throw unavailable;
        }
    }

    protected override async ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) =>
        await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);

    protected override async Task<T> WriteCoreAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        var result = await write(connection, transaction).ConfigureAwait(false);
        await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
        return result;
    }

    protected override async Task ExecuteCoreAsync<T>(RowSet<T> shape, Func<string, string> statement, IReadOnlyList<T> rows, CancellationToken cancellationToken)
    {
        await using var command = _source.CreateCommand(statement(shape.ArraySource));
        shape.AddArrays(command.Parameters, rows);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    protected override async Task<IReadOnlySet<Guid>> RecordCoreAsync(IReadOnlyList<AttemptRecord> rows, CancellationToken cancellationToken)
    {
        if (!rows.Any(DispatchPlan.Follow))
        {
            await using var alone = _source.CreateCommand(RecordStatement);
            return await RecordAsync(alone, rows, cancellationToken).ConfigureAwait(false);
        }

        // Few ends are told to anybody: only their batches pay for a second statement and a transaction around both.
        return await WriteCoreAsync(
            async (connection, transaction) =>
            {
                await using var command = new NpgsqlCommand(RecordStatement, (NpgsqlConnection)connection, (NpgsqlTransaction)transaction);
                var recorded = await RecordAsync(command, rows, cancellationToken).ConfigureAwait(false);
                await ExecuteAsync(
                    connection,
                    transaction,
                    DispatchPlan.Rows,
                    DispatchPlan.Add,
                    [.. rows.Where(row => recorded.Contains(row.Message.InvocationId)).SelectMany(DispatchPlan.After)],
                    cancellationToken).ConfigureAwait(false);
                return recorded;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static async Task<IReadOnlySet<Guid>> RecordAsync(NpgsqlCommand command, IReadOnlyList<AttemptRecord> rows, CancellationToken cancellationToken)
    {
        InvocationRows.Attempts.AddArrays(command.Parameters, rows);
        var recorded = new HashSet<Guid>(rows.Count);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            recorded.Add(reader.GetGuid(0));
        }

        return recorded;
    }

    protected override StoreUnavailableException? Unavailable(Exception exception) => exception switch
    {
        // 21, 22, 23, 54: what was sent is wrong (cardinality, data, constraint, a limit of the server). Everything else is
        // the state of the server or of its schema: the same statement may work later.
        PostgresException { SqlState: ['2', '1' or '2' or '3', ..] or ['5', '4', ..] } => null,
        PostgresException refused => new StoreUnavailableException($"PostgreSQL at {_server} refused: {refused.SqlState} {refused.MessageText}.", refused),
        NpgsqlException or SocketException or IOException or TimeoutException => new StoreUnavailableException(
            $"PostgreSQL at {_server} does not answer: {exception.Message} Check that it runs and that ConnectionStrings:Postgres names it.", exception),
        _ => null,
    };
}
