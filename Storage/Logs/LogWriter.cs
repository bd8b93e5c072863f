using FaasCluster.Storage.Groups;
using FaasCluster.Storage.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Storage.Logs;

/// <inheritdoc cref="ILogWriter"/>
internal sealed class LogWriter : ILogWriter, IHostedService, IAsyncDisposable
{
    // Lines are bounded by memory, not by count: one invocation may print a line or a megabyte.
    private const long BufferBytes = 64 << 20;

    private readonly ILogStore _store;
    private readonly StorageMetrics _metrics;
    private readonly GroupWriter<IReadOnlyList<LogLine>, bool> _group;
    private long _bytes;

    public LogWriter(ILogStore store, IOptions<StorageOptions> options, StorageMetrics metrics, TimeProvider time, ILogger<LogWriter> log)
    {
        _store = store;
        _metrics = metrics;
        _group = new GroupWriter<IReadOnlyList<LogLine>, bool>(
            new GroupWriterSettings<IReadOnlyList<LogLine>>
            {
                What = "groups of log lines",
                PendingLimit = options.Value.PendingLimit,
                BatchLimit = options.Value.BatchLimit,
                BatchWeight = 4 << 20,
                Weigh = Weigh,
            },
            CommitAsync,
            time,
            log);
    }

    public bool TryAdd(IReadOnlyList<LogLine> lines)
    {
        if (lines.Count == 0)
        {
            return true;
        }

        var weight = Weigh(lines);
        if (Interlocked.Add(ref _bytes, weight) <= BufferBytes && _group.TryAdd(lines))
        {
            return true;
        }

        Interlocked.Add(ref _bytes, -weight);
        _metrics.DroppedLines(lines.Count);
        return false;
    }

    public Task FlushAsync(CancellationToken cancellationToken) => _group.FlushAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _group.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private static int Weigh(IReadOnlyList<LogLine> lines) => lines.Sum(line => 200 + (2 * line.Text.Length));

    private async Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<IReadOnlyList<LogLine>> batch, CancellationToken cancellationToken)
    {
        await _store.AppendAsync([.. batch.SelectMany(lines => lines)], cancellationToken).ConfigureAwait(false);
        Interlocked.Add(ref _bytes, -batch.Sum(lines => (long)Weigh(lines)));
        return new bool[batch.Count];
    }
}
