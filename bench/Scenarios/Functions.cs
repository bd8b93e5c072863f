namespace FaasCluster.Bench.Scenarios;

/// <summary>What is deployed.</summary>
internal static class Functions
{
    /// <summary>The event of every call, and the body of every raw message.</summary>
    public static ReadOnlySpan<byte> Event => "{\"name\":\"Ada\"}"u8;

    /// <summary>Does nothing but number its executions, so that lost and doubled ones show.</summary>
    public const string CountingPython =
        """
        import os

        sandbox = os.urandom(8).hex()
        count = 0


        def handler(event, context):
            global count
            count += 1
            return {"s": sandbox, "n": count}

        """;

    public const string NothingPython = "def handler(event, context):\n    return None\n";

    public const string NothingNode = "exports.handler = async () => null;\n";

    public static string Manifest(string name, string runtime, string handler) =>
        $"{{name: {name}, runtime: {runtime}, handler: {handler}}}";
}
