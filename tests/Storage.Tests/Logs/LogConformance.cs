using FaasCluster.Contracts.Accounts;
using FaasCluster.Storage.Logs;

namespace FaasCluster.Storage.Tests.Logs;

public abstract class LogConformance(StoreBackend backend) : Conformance(backend)
{
    [Fact]
    public async Task Append_Lines_AreReadInOrderAndOnce()
    {
        var id = Guid.CreateVersion7();
        var lines = Enumerable.Range(0, 30).Select(i => Line(id, (i / 10) + 1, i % 10)).ToList();

        await Node.Logs.AppendAsync([.. lines.OrderBy(_ => Random.Shared.Next())], default);
        await Node.Logs.AppendAsync([lines[3], lines[3], lines[4] with { Text = "changed" }, Line(id, 4, 0)], default);

        var read = await Node.Logs.ReadAsync(WellKnownAccounts.Default, id, null, 100, default);
        Assert.Equal(lines.Append(Line(id, 4, 0)).Select(line => (line.Attempt, line.Sequence, line.Text)), read.Select(line => (line.Attempt, line.Sequence, line.Text)));
        Assert.Equal("stdout", read[0].Stream);
        Assert.True((read[0].Time - lines[0].Time).Duration() <= TimeSpan.FromMicroseconds(1));
    }

    [Fact]
    public async Task Read_Pages_ReturnEveryLineOnce()
    {
        var id = Guid.CreateVersion7();
        var lines = Enumerable.Range(0, 25).Select(i => Line(id, (i / 13) + 1, i % 13)).ToList();
        await Node.Logs.AppendAsync(lines, default);

        var read = new List<(int Attempt, int Sequence)>();
        IReadOnlyList<LogLine> page;
        do
        {
            page = await Node.Logs.ReadAsync(WellKnownAccounts.Default, id, read.Count == 0 ? null : read[^1], 10, default);
            read.AddRange(page.Select(line => (line.Attempt, line.Sequence)));
        }
        while (page.Count == 10);

        Assert.Equal(lines.Select(line => (line.Attempt, line.Sequence)), read);
    }

    [Fact]
    public async Task Read_OfAnotherAccount_IsEmpty()
    {
        var id = Guid.CreateVersion7();
        await Node.Logs.AppendAsync([Line(id, 1, 0)], default);

        Assert.Empty(await Node.Logs.ReadAsync("other", id, null, 100, default));
    }

    [Fact]
    public async Task Append_WithBadLines_WritesTheOthers()
    {
        var id = Guid.CreateVersion7();
        var lines = Enumerable.Range(0, 50).Select(i => Line(id, 1, i)).ToList();
        lines[10] = lines[10] with { Stream = "stdin" };
        lines[20] = lines[20] with { Text = "a\0b" };

        await Node.Logs.AppendAsync(lines, default);

        var read = await Node.Logs.ReadAsync(WellKnownAccounts.Default, id, null, 100, default);
        Assert.Equal(49, read.Count);
        Assert.Equal("a\uFFFDb", read.Single(line => line.Sequence == 20).Text);
    }

    [Fact]
    public async Task Writer_Lines_AreWrittenBehindAndFlushed()
    {
        var ids = Enumerable.Range(0, 300).Select(_ => Guid.CreateVersion7()).ToList();

        Assert.All(ids, id => Assert.True(Node.LogLines.TryAdd([Line(id, 1, 0), Line(id, 1, 1)])));
        Assert.True(Node.LogLines.TryAdd([]));
        await Node.LogLines.FlushAsync(default);

        foreach (var id in ids)
        {
            Assert.Equal(2, (await Node.Logs.ReadAsync(WellKnownAccounts.Default, id, null, 10, default)).Count);
        }
    }

    [Fact]
    public async Task Writer_FloodedWithLines_DropsAndStaysBounded()
    {
        var lines = Enumerable.Range(0, 1000).Select(i => Line(Guid.CreateVersion7(), 1, i, new string('x', 1000))).ToList();

        // A group weighs 2 MB, the buffer takes 64 MB of what is not written yet.
        var added = Enumerable.Range(0, 200).Count(_ => Node.LogLines.TryAdd(lines));

        Assert.InRange(added, 10, 199);
        await Node.LogLines.FlushAsync(default);
        Assert.True(Node.LogLines.TryAdd(lines));
    }

    private static LogLine Line(Guid id, int attempt, int sequence, string? text = null) => new()
    {
        InvocationId = id,
        Attempt = attempt,
        AccountId = WellKnownAccounts.Default,
        Sequence = sequence,
        Time = DateTimeOffset.UtcNow,
        Stream = "stdout",
        Text = text ?? $"line {attempt}.{sequence}",
    };
}

public sealed class PostgresLogTests(PostgresBackend backend) : LogConformance(backend), IClassFixture<PostgresBackend>;

public sealed class SqliteLogTests(SqliteBackend backend) : LogConformance(backend), IClassFixture<SqliteBackend>;
