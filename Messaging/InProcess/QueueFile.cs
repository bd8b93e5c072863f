using System.Threading.Channels;
using FaasCluster.Contracts.Invocations;
using Microsoft.Data.Sqlite;

namespace FaasCluster.Messaging.InProcess;

/// <summary>
/// The asynchronous queue on disk. One task writes; whatever was handed in while the last commit was under way goes into the
/// next one, so that a lone message pays one sync of the disk and a flood shares one.
/// </summary>
internal sealed class QueueFile : IAsyncDisposable
{
    private const int MostPerCommit = 2_000;
    private const int Busy = 5;

    private readonly SqliteConnection connection;
    private readonly QueueStatements statements;
    private readonly Channel<QueueChange> changes = Channel.CreateUnbounded<QueueChange>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<QueueChange> unwritten = [];
    private readonly Task writing;

    /// <summary>Opens the file, or makes it.</summary>
    /// <param name="directory">Where it lies; made if it is not there.</param>
    /// <exception cref="InvalidOperationException">Another process uses it.</exception>
    public QueueFile(string directory)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, "queue.db");
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 5 }.ConnectionString);
        try
        {
            connection.Open();

            // synchronous=FULL: a commit in the WAL is synced before it counts; NORMAL could lose it with the machine.
            // locking_mode=EXCLUSIVE: two processes on one queue would hand everything out twice; the lock ends with the process.
            Execute("PRAGMA locking_mode = EXCLUSIVE");
            Execute("PRAGMA journal_mode = WAL");
            Execute("PRAGMA synchronous = FULL");
            Execute("CREATE TABLE IF NOT EXISTS queues (function_id TEXT PRIMARY KEY) WITHOUT ROWID");
            Execute("""
                CREATE TABLE IF NOT EXISTS messages (
                    tag INTEGER PRIMARY KEY,
                    function_id TEXT NOT NULL,
                    message BLOB NOT NULL,
                    body BLOB NOT NULL,
                    deliveries INTEGER NOT NULL DEFAULT 0)
                """);
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode == Busy)
        {
            connection.Dispose();
            throw new InvalidOperationException($"The queue in {path} is in use by another process; stop that one, or give this one another Data:Directory.", exception);
        }

        statements = new QueueStatements(connection);
        writing = Task.Run(WriteAsync);
    }

    /// <summary>Null while the file can be written; else why not.</summary>
    public string? Problem { get; private set; }

    /// <summary>Functions that have a queue.</summary>
    public IReadOnlyList<Guid> ReadQueues() => Read("SELECT function_id FROM queues", reader => reader.GetGuid(0));

    /// <summary>Everything that waits, oldest first, without its content.</summary>
    public IReadOnlyList<Entry> ReadEntries() => Read(
        "SELECT tag, function_id, deliveries FROM messages ORDER BY tag",
        reader => Entry.Event(reader.GetGuid(1), reader.GetInt64(0), null, reader.GetInt32(2)));

    /// <summary>Adds a message; returns when it is synced to disk.</summary>
    public Task AddAsync(long tag, InvocationMessage message) => ChangeAsync(new QueueChange { Kind = QueueChangeKind.Add, Tag = tag, FunctionId = message.FunctionId, Message = message });

    /// <summary>
    /// Counts a delivery, and gets the message if it lies on disk only. Returns when the count is synced: an invocation that kills the
    /// process must not be able to kill its count.
    /// </summary>
    public Task<InvocationMessage?> HandOutAsync(long tag, bool isOnDiskOnly) =>
        ChangeAsync(new QueueChange { Kind = QueueChangeKind.HandOut, Tag = tag, IsWanted = isOnDiskOnly });

    /// <summary>Gets a message that lies on disk only, without counting anything.</summary>
    public Task<InvocationMessage?> ReadAsync(long tag) => ChangeAsync(new QueueChange { Kind = QueueChangeKind.Read, Tag = tag, IsWanted = true });

    /// <summary>Adds a function's queue.</summary>
    public Task AddQueueAsync(Guid functionId) => ChangeAsync(new QueueChange { Kind = QueueChangeKind.AddQueue, FunctionId = functionId });

    /// <summary>Removes a function's queue.</summary>
    public Task RemoveQueueAsync(Guid functionId) => ChangeAsync(new QueueChange { Kind = QueueChangeKind.RemoveQueue, FunctionId = functionId });

    /// <summary>Removes a message with the next commit. If that is lost the message comes again, and what is recorded of it decides.</summary>
    public void Remove(long tag) => changes.Writer.TryWrite(new QueueChange { Kind = QueueChangeKind.Remove, Tag = tag });

    public async ValueTask DisposeAsync()
    {
        changes.Writer.TryComplete();
        await writing;
        statements.Dispose();
        await connection.DisposeAsync();
    }

    private Task<InvocationMessage?> ChangeAsync(QueueChange change) => changes.Writer.TryWrite(change)
        ? change.Done.Task
        : Task.FromException<InvocationMessage?>(new MessagingUnavailableException("The queue is closed: the process is ending."));

    private async Task WriteAsync()
    {
        var batch = new List<QueueChange>();
        while (await changes.Reader.WaitToReadAsync())
        {
            batch.AddRange(unwritten);
            unwritten.Clear();
            while (batch.Count < MostPerCommit && changes.Reader.TryRead(out var change))
            {
                batch.Add(change);
            }

            try
            {
                Commit(batch);
                Problem = null;
                batch.ForEach(change => change.Done.TrySetResult(change.Message));
            }
            catch (SqliteException exception)
            {
                Problem = $"The queue's file cannot be written ({exception.Message}); free disk space or check the data directory's permissions.";
                batch.ForEach(change => change.Done.TrySetException(new MessagingUnavailableException(Problem, exception)));

                // Nobody waits for these, so nobody would repeat them.
                unwritten.AddRange(batch.Where(change => change.Kind == QueueChangeKind.Remove));
            }

            batch.Clear();
        }
    }

    private void Commit(List<QueueChange> batch)
    {
        using var transaction = connection.BeginTransaction();
        foreach (var change in batch)
        {
            statements.Run(change, transaction);
        }

        transaction.Commit();
    }

    // One statement at a time: of several the library reports no error behind the first one that returns a row, as pragmas do.
    private void Execute(string text)
    {
        using var command = new SqliteCommand(text, connection);
        command.ExecuteNonQuery();
    }

    private List<T> Read<T>(string query, Func<SqliteDataReader, T> read)
    {
        using var command = new SqliteCommand(query, connection);
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
