using System.Text;
using FaasCluster.Contracts;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>
/// What one sandbox prints. The loop's thread reads whenever there is something; whoever ends an invocation drains both pipes
/// first, under the same lock, so that what was printed before the result belongs to it, in order, and nothing else does.
/// Between invocations nothing is read: a background thread that goes on printing fills its pipe and waits.
/// </summary>
internal sealed class OutputCapture : IDisposable
{
    // A pipe holds 64 kB unless its writer asks for more, at most 1 MB (fs.pipe-max-size): what was in it at the end is read within this.
    private const int MostBytesAtEnd = 1 << 20;

    // Of the platform's own lines in one invocation: a function that tries every address must not fill its log with them.
    private const int MostNotes = 50;

    [ThreadStatic]
    private static byte[]? threadBuffer;

    private readonly Lock gate = new();
    private readonly EventLoop loop;
    private readonly Stream[] streams;
    private LogBudget? budget;
    private byte[]? lastLine;
    private bool ranOutOfMemory;
    private int notes;

    public OutputCapture(EventLoop loop, Descriptor standardOutput, Descriptor standardError)
    {
        this.loop = loop;
        streams = [new Stream(standardOutput, "stdout"), new Stream(standardError, "stderr")];
        foreach (var stream in streams)
        {
            stream.Pipe.MakeNonBlocking();
            stream.Key = loop.Add(stream.Pipe, () => OnReadable(stream));
        }
    }

    /// <summary>Where standard output goes instead of the log; null while it goes to the log.</summary>
    public ResultBuffer? Result { get; init; }

    /// <summary>Most bytes of one invocation that go to its log.</summary>
    public int LogBytes { get; init; } = Limits.LogBytes;

    /// <summary>The last line of standard error, for error messages; null if there was none, and unless <see cref="Result"/> is set.</summary>
    public byte[]? LastErrorLine
    {
        get
        {
            lock (gate)
            {
                return lastLine;
            }
        }
    }

    /// <summary>Whether a line of standard error said so: how V8 takes its leave.</summary>
    public bool SaidOutOfMemory
    {
        get
        {
            lock (gate)
            {
                return ranOutOfMemory;
            }
        }
    }

    /// <summary>From now on, what is printed belongs to this log.</summary>
    public void Begin(IExecutionLog log)
    {
        lock (gate)
        {
            budget = new LogBudget(new WatchedLog(this, log), LogBytes);
            notes = 0;
            foreach (var stream in streams)
            {
                if (stream.IsMasked)
                {
                    stream.IsMasked = false;
                    loop.Mask(stream.Pipe, stream.Key, masked: false);
                }
            }
        }
    }

    /// <summary>Writes a line of the platform's own into the log of the current invocation, if there is one.</summary>
    public void Note(string line)
    {
        lock (gate)
        {
            if (budget is not null && notes++ <= MostNotes)
            {
                budget.Write("platform", notes <= MostNotes ? Encoding.UTF8.GetBytes(line) : "There are more lines like these; they are left out."u8);
            }
        }
    }

    /// <summary>Reads what is there, ends the current lines, and lets go of the log.</summary>
    public void End()
    {
        lock (gate)
        {
            if (budget is null)
            {
                return;
            }

            foreach (var stream in streams)
            {
                for (int total = 0, count; !stream.IsClosed && total < MostBytesAtEnd && (count = ReadOnce(stream)) > 0; total += count)
                {
                }

                stream.Lines.Flush(budget);
            }

            budget = null;
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            budget = null;
            foreach (var stream in streams)
            {
                Close(stream);
                stream.Lines.Dispose();
            }
        }
    }

    private void OnReadable(Stream stream)
    {
        lock (gate)
        {
            if (stream.IsClosed)
            {
                return;
            }

            if (budget is not null)
            {
                ReadOnce(stream);
            }
            else if (!stream.IsMasked)
            {
                stream.IsMasked = true;
                loop.Mask(stream.Pipe, stream.Key, masked: true);
            }
            else
            {
                // A masked pipe reports only its end.
                Close(stream);
            }
        }
    }

    private int ReadOnce(Stream stream)
    {
        var buffer = threadBuffer ??= new byte[64 << 10];
        var count = stream.Pipe.Read(buffer);
        if (count == 0)
        {
            Close(stream);
        }
        else if (count > 0 && Result is not null && stream == streams[0])
        {
            Result.Append(buffer.AsSpan(0, count));
        }
        else if (count > 0 && !budget!.IsUsedUp)
        {
            stream.Lines.Write(buffer.AsSpan(0, count), budget);
        }

        return count;
    }

    private void Close(Stream stream)
    {
        if (!stream.IsClosed)
        {
            stream.IsClosed = true;
            loop.Remove(stream.Pipe, stream.Key);
            stream.Pipe.Dispose();
        }
    }

    private sealed class Stream(Descriptor pipe, string name)
    {
        public Descriptor Pipe => pipe;

        public LineWriter Lines { get; } = new(name);

        public long Key { get; set; }

        public bool IsMasked { get; set; }

        public bool IsClosed { get; set; }
    }

    private sealed class WatchedLog(OutputCapture capture, IExecutionLog log) : IExecutionLog
    {
        public void Write(string stream, ReadOnlySpan<byte> line)
        {
            if (stream == "stderr" && line.Length > 0)
            {
                capture.ranOutOfMemory |= line.IndexOf("heap out of memory"u8) >= 0;
                if (capture.Result is not null)
                {
                    capture.lastLine = line[..Math.Min(line.Length, 500)].ToArray();
                }
            }

            log.Write(stream, line);
        }
    }
}
