using System.Collections.Concurrent;
using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Takes an answer in pieces, as fast as the test lets it.</summary>
internal sealed class TestResponse : IResponseStream
{
    private readonly SemaphoreSlim room;

    /// <param name="room">How many pieces behind the head it takes before the test gives it more; null for all.</param>
    public TestResponse(int? room = null) => this.room = new SemaphoreSlim(room ?? int.MaxValue);

    /// <summary>Ends with the head, whose body is the first piece.</summary>
    public TaskCompletionSource<InvocationResult> Head { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<string> Pieces { get; } = new();

    public string Text => string.Concat(Pieces);

    public void GiveRoom(int pieces) => room.Release(pieces);

    public ValueTask StartAsync(InvocationResult head, CancellationToken cancellationToken)
    {
        Pieces.Enqueue(Encoding.UTF8.GetString(head.Body.Span));
        Head.SetResult(head with { Body = default });
        return ValueTask.CompletedTask;
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var piece = Encoding.UTF8.GetString(bytes.Span);
        await room.WaitAsync(cancellationToken);
        Pieces.Enqueue(piece);
    }

    public InvocationResult End() => Head.Task.Result with { Body = Encoding.UTF8.GetBytes(Text) };
}
