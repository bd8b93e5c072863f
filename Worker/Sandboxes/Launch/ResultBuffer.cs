using System.Buffers;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>Collects the standard output of a program that answers with it, up to a limit.</summary>
/// <param name="limit">Most bytes.</param>
internal sealed class ResultBuffer(int limit)
{
    private readonly ArrayBufferWriter<byte> bytes = new();
    private readonly TaskCompletionSource exceeded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when more came than the limit.</summary>
    public Task Exceeded => exceeded.Task;

    /// <summary>What came.</summary>
    public ReadOnlyMemory<byte> Bytes => bytes.WrittenMemory;

    public void Append(ReadOnlySpan<byte> data)
    {
        if (bytes.WrittenCount + data.Length > limit)
        {
            exceeded.TrySetResult();
        }
        else
        {
            bytes.Write(data);
        }
    }
}
