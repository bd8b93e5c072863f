namespace FaasCluster.Messaging.Streaming;

/// <summary>
/// How much of an answer may be under way between a worker and the gateway's caller. Both sides count the same cost: the bytes, and
/// something for each message, so that a million pieces of one byte are bounded as well.
/// </summary>
internal static class AnswerWindow
{
    /// <summary>Most bytes of one message.</summary>
    public const int PieceBytes = 32 << 10;

    private const int MessageCost = 512;

    public static long CostOf(int length) => length + MessageCost;
}
