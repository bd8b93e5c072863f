using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>What the host must have.</summary>
internal static class Requirements
{
    /// <summary>What is missing and what to do; null if nothing is.</summary>
    public static string? FindProblem(SandboxOptions options)
    {
        if (Isolators.For(options, Defences.All).FindProblem() is { } problem)
        {
            return problem;
        }

        if (!File.Exists(options.PythonPath))
        {
            return $"'{options.PythonPath}' does not exist; the canary that proves the sandbox needs it. Install python3 (apt-get install python3 python3-werkzeug) or set Sandbox:PythonPath.";
        }

        if (Environment.ProcessId == 1)
        {
            // The .NET runtime then reaps every child as an init must, and the ends of sandboxes would be lost.
            return "The worker is process 1 of its container; it must have an init above it. Start it as 'tini -- dotnet FaasCluster.Worker.dll' (as deploy/images/worker.Dockerfile does) or with 'docker run --init'.";
        }

        if (Environment.IsPrivilegedProcess && !File.Exists("/usr/bin/setpriv"))
        {
            return "'/usr/bin/setpriv' does not exist; a worker that is root needs it to give every sandbox a user of its own. Install util-linux.";
        }

        return null;
    }
}
