using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Pool;

/// <summary>Starts the dotnet runtime's half in the sandbox.</summary>
internal static class DotNetCommand
{
    private const string Program = "FaasCluster.Runtime.dll";

    /// <summary>Whether the host has .NET 10 where sandboxes see it, below /usr, and the worker its half of the runtime.</summary>
    public static bool IsInstalled(string path) =>
        new FileInfo(path) is { Exists: true } file
        && (file.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file.FullName) is var target
        && target.StartsWith("/usr/", StringComparison.Ordinal)
        && Path.Combine(Path.GetDirectoryName(target)!, "shared", "Microsoft.NETCore.App") is var frameworks
        && Directory.Exists(frameworks)
        && Directory.GetDirectories(frameworks, "10.*").Length > 0
        && File.Exists(Path.Combine(AppContext.BaseDirectory, "runtimes", "dotnet", Program));

    /// <summary>
    /// The program and its arguments. No channel for debuggers, which would be two pipes in /tmp and a thread; and code pages writable
    /// while they are executable, which starts a tenth faster and protects the function from itself alone.
    /// </summary>
    public static IReadOnlyList<string> Arguments(string path) =>
        ["/usr/bin/env", "DOTNET_EnableDiagnostics=0", "DOTNET_EnableWriteXorExecute=0", "DOTNET_NOLOGO=1", path, $"{RootTree.RuntimeDirectory}/dotnet/{Program}"];
}
