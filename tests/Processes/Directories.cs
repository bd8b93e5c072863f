namespace FaasCluster.Processes;

/// <summary>Directories of tests, in which processes may write that are dying.</summary>
public static class Directories
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Removes one with everything in it, as soon as nobody writes into it any more.</summary>
    public static void Delete(string path)
    {
        // A file that is made while the others are removed, or removed by somebody else, is an error; the next try says which of them it was.
        if (!SpinWait.SpinUntil(() => TryDelete(path), Patience))
        {
            Directory.Delete(path, recursive: true);
        }
    }

    private static bool TryDelete(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }

            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
