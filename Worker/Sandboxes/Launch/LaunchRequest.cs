using FaasCluster.Worker.Sandboxes.Cgroups;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>What to start in a new sandbox.</summary>
internal sealed record LaunchRequest
{
    /// <summary>The program in the sandbox and its arguments.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Its environment, beside what every sandbox has.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Its limits.</summary>
    public required CgroupLimits Limits { get; init; }

    /// <summary>True if its function, and so its memory, is said later: a process's own limit can be lowered and never raised.</summary>
    public bool IsGeneric { get; init; }

    /// <summary>The directory that becomes /var/task; null for an empty one of the sandbox's own, to be filled later.</summary>
    public string? PackageDirectory { get; init; }

    /// <summary>What it reads from standard input; null for nothing.</summary>
    public ReadOnlyMemory<byte>? Input { get; init; }

    /// <summary>True if that is said later, by <see cref="SandboxProcess.Tell"/>: until then it is an empty file.</summary>
    public bool IsToldLater { get; init; }

    /// <summary>Most bytes of standard output that are the result; null if standard output is log.</summary>
    public int? ResultLimit { get; init; }

    /// <summary>Receives what is printed from the start on; null to wait for <see cref="OutputCapture.Begin"/>.</summary>
    public IExecutionLog? Log { get; init; }
}
