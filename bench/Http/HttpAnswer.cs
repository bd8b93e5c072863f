using System.Text;

namespace FaasCluster.Bench.Http;

/// <summary>One answer; the bytes belong to the connection.</summary>
internal readonly record struct HttpAnswer(int Status, ReadOnlyMemory<byte> Head, ReadOnlyMemory<byte> Body)
{
    /// <summary>The value of a header field; empty if it is not there.</summary>
    public string Header(string name) => Encoding.ASCII.GetString(Find(Head.Span, name));

    /// <summary>The value of a header field in the head of an answer; empty if it is not there.</summary>
    /// <param name="head">Status line and header fields.</param>
    /// <param name="name">In lower case.</param>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> head, string name)
    {
        while (head.IndexOf("\r\n"u8) is >= 0 and var end)
        {
            var line = head[..end];
            head = head[(end + 2)..];
            if (line.Length > name.Length && line[name.Length] == ':' && Ascii.EqualsIgnoreCase(line[..name.Length], name))
            {
                return line[(name.Length + 1)..].Trim((byte)' ');
            }
        }

        return default;
    }
}
