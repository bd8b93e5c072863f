using FaasCluster.Worker.Sandboxes.Launch;
using Microsoft.Win32.SafeHandles;

namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>What the descriptors of one run stand for: the three streams, the package's directory (3), and what was opened in it.</summary>
internal sealed class WasiDescriptors : IDisposable
{
    /// <summary>The descriptor of the package's directory.</summary>
    public const uint Root = 3;

    private const int Most = 64;

    private readonly WasmRun run;
    private readonly Dictionary<uint, OpenFile> open = [];
    private readonly LineWriter errors = new("stderr");
    private readonly LogBudget budget;
    private int inputPosition;

    public WasiDescriptors(WasmRun run)
    {
        this.run = run;
        budget = new LogBudget(new WatchedLog(this, run.Log));
        for (var stream = 0u; stream < 3; stream++)
        {
            open[stream] = new OpenFile(null, null, stream);
        }

        open[Root] = new OpenFile(run.Package.Root, null);
    }

    /// <summary>The last line of standard error, cut; null if there was none.</summary>
    public byte[]? LastErrorLine { get; private set; }

    public bool Contains(uint number) => open.ContainsKey(number);

    /// <summary>A file or directory of the package.</summary>
    public OpenFile? Find(uint number) => open.GetValueOrDefault(number);

    /// <summary>Opens a file or directory; null if there are too many.</summary>
    public uint? Add(OpenFile file)
    {
        for (var number = 0u; number < Most; number++)
        {
            if (open.TryAdd(number, file))
            {
                return number;
            }
        }

        return null;
    }

    public bool Close(uint number)
    {
        if (!open.Remove(number, out var file))
        {
            return false;
        }

        file.Handle?.Dispose();
        return true;
    }

    /// <summary>Gives a descriptor another number.</summary>
    public bool Renumber(uint from, uint to)
    {
        if (!open.ContainsKey(from) || !open.ContainsKey(to))
        {
            return false;
        }

        if (from != to)
        {
            Close(to);
            open.Remove(from, out var file);
            open[to] = file!;
        }

        return true;
    }

    /// <summary>Reads standard input.</summary>
    public int ReadInput(Span<byte> buffer)
    {
        var rest = run.Input.Span[inputPosition..];
        var count = Math.Min(rest.Length, buffer.Length);
        rest[..count].CopyTo(buffer);
        inputPosition += count;
        return count;
    }

    /// <summary>Writes standard output (1) or standard error (2).</summary>
    public void Write(uint stream, ReadOnlySpan<byte> bytes)
    {
        if (stream == 2)
        {
            if (!budget.IsUsedUp)
            {
                errors.Write(bytes, budget);
            }

            return;
        }

        run.Output.Append(bytes);
        if (run.Output.Exceeded.IsCompleted)
        {
            run.Stop(WasmEnd.AnswerTooLarge);
        }
    }

    /// <summary>Ends the log's last line and closes all files.</summary>
    public void Dispose()
    {
        errors.Flush(budget);
        foreach (var file in open.Values)
        {
            file.Handle?.Dispose();
        }

        open.Clear();
    }

    /// <summary>An open descriptor; without an entry it is one of the streams.</summary>
    internal sealed class OpenFile(PackageTree.Entry? entry, SafeFileHandle? handle, uint stream = 0)
    {
        public uint Stream => stream;

        public PackageTree.Entry? Entry => entry;

        public SafeFileHandle? Handle => handle;

        public long Position { get; set; }
    }

    private sealed class WatchedLog(WasiDescriptors descriptors, IExecutionLog log) : IExecutionLog
    {
        public void Write(string stream, ReadOnlySpan<byte> line)
        {
            if (stream == "stderr" && line.Length > 0)
            {
                descriptors.LastErrorLine = line[..Math.Min(line.Length, 500)].ToArray();
            }

            log.Write(stream, line);
        }
    }
}
