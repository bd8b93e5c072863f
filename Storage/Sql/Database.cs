using System.Data.Common;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Sql;

/// <summary>
/// The seam between the statements, which are the same wherever the dialects agree, and the two databases. Everything that
/// fails because the store is away comes out of it as <see cref="StoreUnavailableException"/>.
/// </summary>
internal abstract class Database : IAsyncDisposable
{
    /// <summary>The folder of its migrations, and what it is called in logs.</summary>
    public abstract string Dialect { get; }

    /// <summary>The server or the file, for people; no password.</summary>
    public abstract string Where { get; }

    /// <summary>Appended to a SELECT of rows to work on: rows that another node has locked are passed over.</summary>
    public abstract string ForUpdateSkipLocked { get; }

    /// <summary>Appended to a SELECT of rows to change: whoever else wants to change them waits.</summary>
    public abstract string ForUpdate { get; }

    /// <summary>Appended to a SELECT of rows that must stay as they are until the transaction ends.</summary>
    public abstract string ForShare { get; }

    /// <summary>The condition that a value is one of a parameter that is a list.</summary>
    public abstract string IsIn(string parameter);

    /// <summary>The column type of instants.</summary>
    public abstract string TimeType { get; }

    /// <summary>The database's own clock at this moment, as an expression: leases are not decided by the clocks of nodes.</summary>
    public abstract string Clock { get; }

    /// <summary>True if only one worker can use it.</summary>
    public abstract bool HasOneWorker { get; }

    /// <summary>Selects gb_seconds and cost as text, and times: how often the two are to be counted.</summary>
    public abstract string DecimalSums { get; }

    /// <summary>
    /// Runs a query. It is run a second time if the connection turns out to be broken: pooled connections do not survive a
    /// restart of the server, and a read can always be repeated.
    /// </summary>
    public async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> read, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await using var connection = await OpenReaderAsync(cancellationToken).ConfigureAwait(false);
                return await read(connection).ConfigureAwait(false);
            }
            catch (Exception exception) when (Unavailable(exception) is { } unavailable)
            {
                if (attempt == 2)
                {
                    throw unavailable;
                }
            }
        }
    }

    /// <summary>Runs statements in one transaction, which is committed when they return and rolled back when they throw.</summary>
    public async Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken)
    {
        try
        {
            return await WriteCoreAsync(write, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (Unavailable(exception) is { } unavailable)
        {
            throw unavailable;
        }
    }

    /// <summary>Runs a statement that reads its rows "FROM {source}", for all rows in one transaction.</summary>
    public async Task ExecuteAsync<T>(RowSet<T> shape, Func<string, string> statement, IReadOnlyList<T> rows, CancellationToken cancellationToken)
    {
        try
        {
            await ExecuteCoreAsync(shape, statement, rows, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (Unavailable(exception) is { } unavailable)
        {
            throw unavailable;
        }
    }

    /// <summary>The same within a transaction of <see cref="WriteAsync"/>.</summary>
    public abstract Task ExecuteAsync<T>(
        DbConnection connection,
        DbTransaction transaction,
        RowSet<T> shape,
        Func<string, string> statement,
        IReadOnlyList<T> rows,
        CancellationToken cancellationToken);

    /// <summary>Records attempts of distinct invocations in one transaction.</summary>
    /// <returns>Those that were new.</returns>
    public async Task<IReadOnlySet<Guid>> RecordAsync(IReadOnlyList<AttemptRecord> rows, CancellationToken cancellationToken)
    {
        try
        {
            return await RecordCoreAsync(rows, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (Unavailable(exception) is { } unavailable)
        {
            throw unavailable;
        }
    }

    /// <summary>The GROUP BY that goes with <see cref="DecimalSums"/>.</summary>
    public abstract string DecimalGroups(string columns);

    /// <summary>The transaction in which migrations run: no other node's migrations run beside it.</summary>
    public abstract Task LockMigrationsAsync(DbConnection connection, DbTransaction transaction, CancellationToken cancellationToken);

    /// <summary><see cref="Clock"/> and so many seconds, given as a parameter with its @.</summary>
    public abstract string ClockPlus(string seconds);

    /// <summary>Waits until no other transaction has locked the same key, and locks it until the end of this one.</summary>
    public abstract Task LockAsync(DbConnection connection, DbTransaction transaction, Guid key, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    protected abstract ValueTask<DbConnection> OpenReaderAsync(CancellationToken cancellationToken);

    protected abstract Task<T> WriteCoreAsync<T>(Func<DbConnection, DbTransaction, Task<T>> write, CancellationToken cancellationToken);

    protected abstract Task ExecuteCoreAsync<T>(RowSet<T> shape, Func<string, string> statement, IReadOnlyList<T> rows, CancellationToken cancellationToken);

    protected abstract Task<IReadOnlySet<Guid>> RecordCoreAsync(IReadOnlyList<AttemptRecord> rows, CancellationToken cancellationToken);

    /// <summary>The exception to throw instead if the store is away; null for every other failure.</summary>
    protected abstract StoreUnavailableException? Unavailable(Exception exception);
}
