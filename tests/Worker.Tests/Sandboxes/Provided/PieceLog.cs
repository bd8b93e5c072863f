using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>Remembers the pieces of an answer.</summary>
internal sealed class PieceLog : IResponseStream
{
    private readonly StringBuilder text = new();

    public InvocationResult? Head { get; private set; }

    public string Text
    {
        get
        {
            lock (text)
            {
                return text.ToString();
            }
        }
    }

    public ValueTask StartAsync(InvocationResult head, CancellationToken cancellationToken)
    {
        Head = head;
        return WriteAsync(head.Body, cancellationToken);
    }

    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        lock (text)
        {
            text.Append(Encoding.UTF8.GetString(bytes.Span));
        }

        return ValueTask.CompletedTask;
    }

    public InvocationResult End() => Head! with { Body = Encoding.UTF8.GetBytes(Text) };
}
