using System.Threading.Channels;
using FaasCluster.Contracts.Invocations;
using Microsoft.Data.Sqlite;

namespace FaasCluster.Messaging.InProcess;

/// <summary>
/// The asynchronous queue on disk. One thread writes; whatever was handed in while the last commit was under way goes into the
/// next one, so that a lone message pays one sync of the disk and a flood shares one.
/// </summary>
internal sealed class QueueFile : IAsyncDisposable
{
    private const int MostPerCommit = 2_000;

    private readonly SqliteConnection connection;
    private readonly Channel<Change> changes = Channel.CreateUnbounded<Change>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Task writing;

    /// <summary>Opens the file, or makes it.</summary>
    /// <param name="directory">Where it lies; made if it is not there.</param>
    public QueueFile(string directory)
    {
        Directory.CreateDirectory(directory);
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, "queue.db"), Pooling = false }.ConnectionString);
        connection.Open();

        // synchronous=FULL: a commit in the WAL is synced before it counts; NORMAL could lose it with the machine.
        // 'unclean' is 1 while the file is in use: whoever finds it set knows that deliveries were cut off.
        Execute("""
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = FULL;
            CREATE TABLE IF NOT EXISTS queues (function_id TEXT PRIMARY KEY) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS messages (
                tag INTEGER PRIMARY KEY,
                function_id TEXT NOT NULL,
                message BLOB NOT NULL,
                body BLOB NOT NULL,
                deliveries INTEGER NOT NULL DEFAULT 0);
            CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO state (name, value) VALUES ('unclean', 0) ON CONFLICT DO NOTHING;
            UPDATE messages SET deliveries = deliveries + 1 WHERE (SELECT value FROM state WHERE name = 'unclean') = 1;
            UPDATE state SET value = 1 WHERE name = 'unclean';
            """);
        writing = Task.Factory.StartNew(WriteAsync, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap();
    }

    /// <summary>Null while the file can be written; else why not.</summary>
    public string? Problem { get; private set; }

    /// <summary>Functions that have a queue.</summary>
    public IReadOnlyList<Guid> ReadQueues() => Read("SELECT function_id FROM queues", reader => reader.GetGuid(0));

    /// <summary>Everything that waits, oldest first. After an unclean end each counts one more delivery: nobody knows which were handed out.</summary>
    public IReadOnlyList<(long Tag, InvocationMessage Message, int Deliveries)> ReadMessages() => Read(
        "SELECT tag, message, body, deliveries FROM messages ORDER BY tag",
        reader => (reader.GetInt64(0), StoredMessage.Read(reader.GetFieldValue<byte[]>(1), reader.GetFieldValue<byte[]>(2)), reader.GetInt32(3)));

    /// <summary>Adds a message; returns when it is synced to disk.</summary>
    public Task AddAsync(long tag, InvocationMessage message) => ChangeAsync(new Change(ChangeKind.Add, tag, message.FunctionId, message));

    /// <summary>Adds a function's queue.</summary>
    public Task AddQueueAsync(Guid functionId) => ChangeAsync(new Change(ChangeKind.AddQueue, 0, functionId, null));

    /// <summary>Removes a function's queue.</summary>
    public Task RemoveQueueAsync(Guid functionId) => ChangeAsync(new Change(ChangeKind.RemoveQueue, 0, functionId, null));

    /// <summary>Removes a message with the next commit. If that is lost the message comes again, and what is recorded of it decides.</summary>
    public void Remove(long tag) => changes.Writer.TryWrite(new Change(ChangeKind.Remove, tag, default, null));

    /// <summary>Counts a delivery with the next commit.</summary>
    public void CountDelivery(long tag) => changes.Writer.TryWrite(new Change(ChangeKind.CountDelivery, tag, default, null));

    public async ValueTask DisposeAsync()
    {
        // Registered under several interfaces, the broker is disposed once for each.
        if (!changes.Writer.TryComplete())
        {
            return;
        }

        await writing;
        Execute("UPDATE state SET value = 0 WHERE name = 'unclean'");
        await connection.DisposeAsync();
    }

    private Task ChangeAsync(Change change) => changes.Writer.TryWrite(change)
        ? change.Done.Task
        : Task.FromException(new MessagingUnavailableException("The queue is closed: the process is ending."));

    private async Task WriteAsync()
    {
        var batch = new List<Change>();
        while (await changes.Reader.WaitToReadAsync())
        {
            while (batch.Count < MostPerCommit && changes.Reader.TryRead(out var change))
            {
                batch.Add(change);
            }

            try
            {
                Commit(batch);
                Problem = null;
                batch.ForEach(change => change.Done.TrySetResult());
            }
            catch (SqliteException exception)
            {
                Problem = $"The queue's file cannot be written ({exception.Message}); free disk space or check the data directory's permissions.";
                batch.ForEach(change => change.Done.TrySetException(new MessagingUnavailableException(Problem, exception)));
            }

            batch.Clear();
        }
    }

    private void Commit(List<Change> batch)
    {
        using var transaction = connection.BeginTransaction();
        using var add = Prepare("INSERT INTO messages (tag, function_id, message, body) VALUES (@tag, @function, @message, @body)", "@tag", "@function", "@message", "@body");
        using var remove = Prepare("DELETE FROM messages WHERE tag = @tag", "@tag");
        using var count = Prepare("UPDATE messages SET deliveries = deliveries + 1 WHERE tag = @tag", "@tag");
        using var addQueue = Prepare("INSERT INTO queues (function_id) VALUES (@function) ON CONFLICT DO NOTHING", "@function");
        using var removeQueue = Prepare("DELETE FROM queues WHERE function_id = @function", "@function");
        foreach (var change in batch)
        {
            switch (change.Kind)
            {
                case ChangeKind.Add:
                    Run(add, change.Tag, change.FunctionId.ToString(), StoredMessage.Write(change.Message!), change.Message!.Body.ToArray());
                    break;
                case ChangeKind.Remove:
                    Run(remove, change.Tag);
                    break;
                case ChangeKind.CountDelivery:
                    Run(count, change.Tag);
                    break;
                case ChangeKind.AddQueue:
                    Run(addQueue, change.FunctionId.ToString());
                    break;
                case ChangeKind.RemoveQueue:
                    Run(removeQueue, change.FunctionId.ToString());
                    break;
            }
        }

        transaction.Commit();

        SqliteCommand Prepare(string statement, params string[] parameters)
        {
            var command = new SqliteCommand(statement, connection, transaction);
            foreach (var parameter in parameters)
            {
                command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
            }

            return command;
        }

        static void Run(SqliteCommand command, params ReadOnlySpan<object> values)
        {
            for (var i = 0; i < values.Length; i++)
            {
                command.Parameters[i].Value = values[i];
            }

            command.ExecuteNonQuery();
        }
    }

    private void Execute(string statements)
    {
        using var command = new SqliteCommand(statements, connection);
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

    private enum ChangeKind
    {
        Add,
        Remove,
        CountDelivery,
        AddQueue,
        RemoveQueue,
    }

    private sealed record Change(ChangeKind Kind, long Tag, Guid FunctionId, InvocationMessage? Message)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
