using System.Diagnostics;
using System.Globalization;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>
/// crun, an OCI runtime, started like any other program of an ordinary user: it makes the same walls in a user namespace of that user,
/// and has no daemon. It takes some milliseconds more than bubblewrap.
/// </summary>
internal sealed class Crun(SandboxOptions options, Defences defences) : IIsolator
{
    // bubblewrap brings a first process of its own; here a shell is it. It reaps, keeps no hand on the control socket, and ends as the command
    // does. As process 1 the command would be deaf to its own signals. What a shell starts in the background
    // ignores two signals and reads nothing, unless it is told otherwise.
    private const string Init = """exec 4<&0; /usr/bin/env --default-signal=INT,QUIT -- "$@" <&4 4<&- & exec </dev/null 3>&- 4<&-; wait $!""";

    /// <inheritdoc/>
    public string? FindProblem()
    {
        if (!File.Exists(options.CrunPath))
        {
            return $"'{options.CrunPath}' does not exist, and Sandbox:Isolation is crun. Install it (apt-get install crun) or set Sandbox:CrunPath.";
        }

        const string hybrid = "/sys/fs/cgroup/unified/cgroup.controllers";
        return File.Exists(hybrid) && File.ReadAllText(hybrid).Trim() is { Length: > 0 } controllers
            ? $"crun does not run where both versions of cgroups have controllers, and {hybrid} holds '{controllers}'. Boot with systemd.unified_cgroup_hierarchy=1, or take bubblewrap."
            : null;
    }

    /// <inheritdoc/>
    public string Describe()
    {
        using var process = Process.Start(new ProcessStartInfo(options.CrunPath, "--version") { RedirectStandardOutput = true });
        var version = process?.StandardOutput.ReadLine()?.Replace("version ", "");
        process?.StandardOutput.ReadToEnd();
        process?.WaitForExit();
        return string.IsNullOrEmpty(version) ? "crun" : version;
    }

    /// <inheritdoc/>
    public IsolatorCommand Prepare(SandboxPlan plan)
    {
        var state = Path.Combine(plan.Directory, "state");
        Directory.CreateDirectory(state);
        if (Libc.chown(state, plan.UserId, plan.GroupId) < 0)
        {
            throw Libc.Failed($"chown of '{state}'");
        }

        var inner = plan with { Command = [RootTree.ScriptShell, "-c", Init, "sh", .. plan.Command] };
        return new IsolatorCommand(
            [
                // Else it would outlive a worker that is killed.
                "/usr/bin/setpriv", "--pdeathsig", "KILL", "--",
                options.CrunPath, "--root", state, "--cgroup-manager=disabled", "run", "--preserve-fds=1", "--bundle", plan.Directory,
                "--config", string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{IsolatorCommand.FirstFile}"), plan.Owner,
            ],
            [OciConfiguration.Write(inner, options, defences)]);
    }
}
