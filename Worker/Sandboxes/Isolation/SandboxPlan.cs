using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>What a sandbox is to look like from within.</summary>
internal sealed record SandboxPlan
{
    /// <summary>The variable that names the worker, in the sandbox too.</summary>
    public const string OwnerVariable = "FAAS_OWNER";

    /// <summary>The worker's name among those of this host.</summary>
    public required string Owner { get; init; }

    /// <summary>Its own directory on the host.</summary>
    public required string Directory { get; init; }

    /// <summary>The user that the program is started as.</summary>
    public required int UserId { get; init; }

    /// <summary>And its group.</summary>
    public required int GroupId { get; init; }

    /// <summary>What becomes the root directory, see <see cref="RootTree"/>.</summary>
    public required string Root { get; init; }

    /// <summary>What becomes <see cref="RootTree.TaskDirectory"/>.</summary>
    public required string Task { get; init; }

    /// <summary>The environment, beside what every sandbox has.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>What runs in it.</summary>
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>All of the environment.</summary>
    public IEnumerable<KeyValuePair<string, string>> FullEnvironment =>
    [
        new("PATH", "/usr/local/bin:/usr/bin:/bin"),
        new("HOME", "/tmp"),
        new("LANG", "C.UTF-8"),
        new("TZ", ":UTC"),
        new("PWD", RootTree.TaskDirectory),
        new(OwnerVariable, Owner),
        new("LAMBDA_TASK_ROOT", RootTree.TaskDirectory),
        new("LAMBDA_RUNTIME_DIR", RootTree.RuntimeDirectory),
        .. Environment,
    ];
}
