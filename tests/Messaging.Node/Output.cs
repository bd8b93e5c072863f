namespace FaasCluster.Messaging.Node;

/// <summary>What the test reads.</summary>
internal static class Output
{
    private static readonly Lock Gate = new();

    /// <summary>Prints a line; it is out when this returns.</summary>
    public static void Say(string line)
    {
        lock (Gate)
        {
            Console.Out.WriteLine(line);
            Console.Out.Flush();
        }
    }
}
