using System.Collections.Concurrent;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Takes an answer in pieces, as fast as the test lets it.</summary>
internal sealed class TestSink : IAnswerSink
{
    private readonly SemaphoreSlim _room;

    /// <param name="room">How many pieces it takes before the test gives it more; null for all.</param>
    public TestSink(int? room = null) => _room = new SemaphoreSlim(room ?? int.MaxValue);

    public TaskCompletionSource<InvocationReply> Head { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<byte[]> Pieces { get; } = new();

    /// <summary>What it says to the head.</summary>
    public ErrorCode? Refusal { get; init; }

    public byte[] Body => [.. Pieces.SelectMany(piece => piece)];

    public void GiveRoom(int pieces) => _room.Release(pieces);

    public ValueTask<ErrorCode?> StartAsync(InvocationReply head, CancellationToken cancellationToken)
    {
        Head.SetResult(head);
        return ValueTask.FromResult(Refusal);
    }

    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken);
        Pieces.Enqueue(piece.ToArray());
    }
}
