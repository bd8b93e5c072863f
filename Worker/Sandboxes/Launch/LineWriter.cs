using System.Buffers;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>Cuts one stream into lines. An endless line is cut into pieces of 64 kB.</summary>
internal sealed class LineWriter(string stream) : IDisposable
{
    private const int MaximumLength = 64 << 10;

    // Rented only while a line is incomplete: an idle sandbox holds nothing.
    private byte[]? partial;
    private int length;

    /// <summary>Passes on the complete lines and keeps the rest.</summary>
    public void Write(ReadOnlySpan<byte> data, LogBudget budget)
    {
        while (data.Length > 0)
        {
            var end = data.IndexOf((byte)'\n');
            var piece = end < 0 ? data : data[..end];
            if (length + piece.Length > MaximumLength)
            {
                piece = piece[..(MaximumLength - length)];
                end = -2;
            }

            data = end >= 0 ? data[(end + 1)..] : data[piece.Length..];
            if (end == -1 || length > 0)
            {
                Keep(piece);
                piece = partial.AsSpan(0, length);
            }

            if (end != -1)
            {
                budget.Write(stream, piece);
                length = 0;
            }
        }

        if (length == 0)
        {
            Dispose();
        }
    }

    /// <summary>Passes on what came without an end.</summary>
    public void Flush(LogBudget budget)
    {
        if (length > 0)
        {
            budget.Write(stream, partial.AsSpan(0, length));
        }

        Dispose();
    }

    public void Dispose()
    {
        length = 0;
        if (partial is not null)
        {
            ArrayPool<byte>.Shared.Return(partial);
            partial = null;
        }
    }

    private void Keep(ReadOnlySpan<byte> piece)
    {
        if (partial is null || partial.Length < length + piece.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(256, length + piece.Length));
            partial.AsSpan(0, length).CopyTo(larger);
            if (partial is not null)
            {
                ArrayPool<byte>.Shared.Return(partial);
            }

            partial = larger;
        }

        piece.CopyTo(partial.AsSpan(length));
        length += piece.Length;
    }
}
