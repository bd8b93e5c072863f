using Microsoft.Data.Sqlite;

namespace FaasCluster.Messaging.InProcess;

/// <summary>The statements of <see cref="QueueFile"/>, prepared once.</summary>
internal sealed class QueueStatements(SqliteConnection connection) : IDisposable
{
    private readonly SqliteCommand add = Make(
        connection, "INSERT INTO messages (tag, function_id, message, body) VALUES (@tag, @function, @message, @body)", "@tag", "@function", "@message", "@body");

    private readonly SqliteCommand count = Make(connection, "UPDATE messages SET deliveries = deliveries + 1 WHERE tag = @tag", "@tag");
    private readonly SqliteCommand read = Make(connection, "SELECT message, body FROM messages WHERE tag = @tag", "@tag");
    private readonly SqliteCommand remove = Make(connection, "DELETE FROM messages WHERE tag = @tag", "@tag");
    private readonly SqliteCommand addQueue = Make(connection, "INSERT INTO queues (function_id) VALUES (@function) ON CONFLICT DO NOTHING", "@function");
    private readonly SqliteCommand removeQueue = Make(connection, "DELETE FROM queues WHERE function_id = @function", "@function");

    public void Run(QueueChange change, SqliteTransaction transaction)
    {
        switch (change.Kind)
        {
            case QueueChangeKind.Add:
                Execute(add, transaction, change.Tag, change.FunctionId.ToString(), StoredMessage.Write(change.Message!), change.Message!.Body.ToArray());
                break;
            case QueueChangeKind.HandOut:
                Execute(count, transaction, change.Tag);
                Read(change, transaction);
                break;
            case QueueChangeKind.Read:
                Read(change, transaction);
                break;
            case QueueChangeKind.Remove:
                Execute(remove, transaction, change.Tag);
                break;
            case QueueChangeKind.AddQueue:
                Execute(addQueue, transaction, change.FunctionId.ToString());
                break;
            case QueueChangeKind.RemoveQueue:
                Execute(removeQueue, transaction, change.FunctionId.ToString());
                break;
        }
    }

    public void Dispose()
    {
        add.Dispose();
        count.Dispose();
        read.Dispose();
        remove.Dispose();
        addQueue.Dispose();
        removeQueue.Dispose();
    }

    private static SqliteCommand Make(SqliteConnection connection, string statement, params string[] parameters)
    {
        var command = new SqliteCommand(statement, connection);
        foreach (var parameter in parameters)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = parameter });
        }

        return command;
    }

    private static void Execute(SqliteCommand command, SqliteTransaction transaction, params ReadOnlySpan<object> values)
    {
        Fill(command, transaction, values);
        command.ExecuteNonQuery();
    }

    private void Read(QueueChange change, SqliteTransaction transaction)
    {
        if (!change.IsWanted)
        {
            return;
        }

        Fill(read, transaction, change.Tag);
        using var reader = read.ExecuteReader();
        if (reader.Read())
        {
            change.Message = StoredMessage.TryRead(reader.GetFieldValue<byte[]>(0), reader.GetFieldValue<byte[]>(1));
        }
    }

    private static void Fill(SqliteCommand command, SqliteTransaction transaction, params ReadOnlySpan<object> values)
    {
        command.Transaction = transaction;
        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i];
        }
    }
}
