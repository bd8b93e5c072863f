using System.Data.Common;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Invocations;
using Microsoft.Data.Sqlite;

namespace FaasCluster.Storage.Sql;

/// <summary>
/// SQLite: one guarded connection writes, others read beside it (WAL). Every commit is on the disk when it returns
/// (synchronous=FULL): neither kill -9 nor a power cut takes it back.
/// </summary>
internal sealed class SqliteDatabase : Database
{
    private readonly string _file;
    private readonly string _connectionString;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Dictionary<string, SqliteCommand> _prepared = [];
    private SqliteConnection? _writer;
    private bool _disposed;

    public SqliteDatabase(string directory)
    {
        DapperMapping.Ensure();
        _file = Path.Combine(Path.GetFullPath(directory), "store.db");
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = _file,
            ForeignKeys = true,
            DefaultTimeout = 30,
        }.ToString();
    }

    public override string Dialect => "sqlite";

    public override string Where => _file;

    public override string ForUpdateSkipLocked => "";

    // The one writer has the whole file.
    public override string ForUpdate => "";

    public override string ForShare => "";

    public override string TimeType => "text";

    public override string Clock => "strftime('%Y-%m-%d %H:%M:%f', 'now')";

    public override bool HasOneWorker => true;

    public override string DecimalSums => "count(*) AS times, gb_seconds, cost";

    // Dapper writes the list out.
    public override string IsIn(string parameter) => $"IN {parameter}";

    public override string DecimalGroups(string columns) => columns + ", gb_seconds, cost";

    public override string ClockPlus(string seconds) => $"strftime('%Y-%m-%d %H:%M:%f', 'now', printf('%+.3f seconds', {seconds}))";

    // The write transaction is the lock: it is taken before the first statement and shuts out other processes too.
    public override Task LockMigrationsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken) => Task.CompletedTask;

    // Here as well.
    public override Task LockAsync(DbConnection connection, DbTransaction transaction, Guid key, CancellationToken cancellationToken) => Task.CompletedTask;

    public override Task ExecuteAsync<T>(
        DbConnection connection,
        DbTransaction transaction,
        RowSet<T> shape,
        Func<string, string> statement,
        IReadOnlyList<T> rows,
        CancellationToken cancellationToken)
    {
        var command = Prepare(shape, statement(shape.RowSource), transaction);
        foreach (var row in rows)
        {
            Execute(shape, command, row);
        }

        return Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        await _writing.WaitAsync().ConfigureAwait(false);
        _disposed = true;
        CloseWriter();
        _writing.Release();
        using var pooled = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(pooled);
    }

    protected override ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken) => new(Open());

    protected override Task<T> WriteCoreAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken) =>
        WriteAloneAsync(write, cancellationToken);

    protected override Task ExecuteCoreAsync<T>(RowSet<T> shape, Func<string, string> statement, IReadOnlyList<T> rows, CancellationToken cancellationToken) =>
        WriteAloneAsync(
            async (connection, transaction) =>
            {
                await ExecuteAsync(connection, transaction, shape, statement, rows, cancellationToken).ConfigureAwait(false);
                return true;
            },
            cancellationToken);

    protected override Task<IReadOnlySet<Guid>> RecordCoreAsync(IReadOnlyList<AttemptRecord> rows, CancellationToken cancellationToken) =>
        WriteAloneAsync(
            (_, transaction) =>
            {
                var shape = InvocationRows.Attempts;
                var source = shape.RowSource;
                var attempt = Prepare(shape, InvocationSql.RecordAttempts(source), transaction);
                var bill = Prepare(shape, InvocationSql.RecordBills(source), transaction);
                var next = Prepare(shape, InvocationSql.QueueNext(source), transaction);
                var dead = Prepare(shape, InvocationSql.AddDeadLetters(source), transaction);
                var payload = Prepare(shape, InvocationSql.DropPayloads(source), transaction);
                var outbox = Prepare(shape, InvocationSql.DropOutbox(source), transaction);
                var told = Prepare(DispatchPlan.Rows, DispatchPlan.Add(DispatchPlan.Rows.RowSource), transaction);
                var recorded = new HashSet<Guid>(rows.Count);
                foreach (var row in rows)
                {
                    if (Execute(shape, attempt, row) == 0)
                    {
                        continue;
                    }

                    recorded.Add(row.Message.InvocationId);
                    Execute(shape, bill, row);
                    if (row.NextAttempt is not null)
                    {
                        Execute(shape, next, row);
                    }

                    if (row.State == InvocationState.Cancelled)
                    {
                        Execute(shape, outbox, row);
                    }

                    if (KeptEvents.IsDead(row.State))
                    {
                        Execute(shape, dead, row);
                    }

                    if (row.Message.BodyIsStored && row.State.IsTerminal())
                    {
                        Execute(shape, payload, row);
                    }

                    foreach (var dispatch in DispatchPlan.After(row))
                    {
                        Execute(DispatchPlan.Rows, told, dispatch);
                    }
                }

                return Task.FromResult<IReadOnlySet<Guid>>(recorded);
            },
            cancellationToken);

    protected override StoreUnavailableException? Unavailable(Exception exception) => exception switch
    {
        // 18 too big, 19 constraint, 20 mismatch, 25 range: what was sent is wrong. Everything else is the state of the file.
        SqliteException { SqliteErrorCode: 18 or 19 or 20 or 25 } => null,
        SqliteException or IOException or UnauthorizedAccessException => new StoreUnavailableException(
            $"The SQLite store '{_file}' cannot be used: {exception.Message} Check the disk's space and the file's permissions.", exception),
        _ => null,
    };

    private static int Execute<T>(RowSet<T> shape, SqliteCommand command, T row)
    {
        shape.SetParameters(command.Parameters, row);
        return command.ExecuteNonQuery();
    }

    // SQLite's calls block, through the flush to the disk: they get a thread that nobody waits for.
    private async Task<T> WriteAloneAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return await Task.Run(
                async () =>
                {
                    _writer ??= Open();
                    await using var transaction = _writer.BeginTransaction(deferred: false);
                    var result = await write(_writer, transaction).ConfigureAwait(false);
                    transaction.Commit();
                    return result;
                },
                CancellationToken.None).ConfigureAwait(false);
        }
        catch (SqliteException exception) when (Unavailable(exception) is not null)
        {
            CloseWriter();
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    private SqliteCommand Prepare<T>(RowSet<T> shape, string statement, DbTransaction transaction)
    {
        if (!_prepared.TryGetValue(statement, out var command))
        {
            command = _writer!.CreateCommand();
            command.CommandText = statement;
            shape.AddParameters(command.Parameters);
            _prepared.Add(statement, command);
        }

        command.Transaction = (SqliteTransaction)transaction;
        return command;
    }

    private SqliteConnection Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_file)!);
        var connection = new SqliteConnection(_connectionString);
        try
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA busy_timeout = 10000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
            command.ExecuteNonQuery();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private void CloseWriter()
    {
        foreach (var command in _prepared.Values)
        {
            command.Dispose();
        }

        _prepared.Clear();
        _writer?.Dispose();
        _writer = null;
    }
}
