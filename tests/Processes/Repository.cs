namespace FaasCluster.Processes;

/// <summary>Where the product under test lies.</summary>
public static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The build output of a host, in the configuration under test.</summary>
    public static string Dll(string project) => Path.Combine(
        Root, project, "bin", Environment.GetEnvironmentVariable("FAAS_TEST_CONFIGURATION") ?? "Debug", "net10.0", $"FaasCluster.{project}.dll");

    public static string Example(string name) => Path.Combine(Root, "examples", name);

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "FaasCluster.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException($"No FaasCluster.sln above {AppContext.BaseDirectory}.");
    }
}
