namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>
/// The program that puts walls around a sandbox: the one part in which bubblewrap, crun and others differ. Slots, users, cgroups, limits,
/// descriptors and the end of a sandbox are the launcher's, whichever it is. It must start one process that stays until the sandbox has
/// ended and ends with its status, whose first child is the first process of the sandbox's process-id namespace, whose first child
/// is the command.
/// </summary>
internal interface IIsolator
{
    /// <summary>What the host is missing, and what to do; null if nothing is.</summary>
    string? FindProblem();

    /// <summary>For people: the program and its version.</summary>
    string Describe();

    /// <summary>How to start a sandbox.</summary>
    /// <exception cref="ArgumentException">An environment variable cannot be given to a program.</exception>
    IsolatorCommand Prepare(SandboxPlan plan);
}

/// <summary>A program and what it reads.</summary>
/// <param name="Arguments">The program and its arguments. No word of a user is among them but the command's; <see cref="SandboxPlan.Owner"/> is one of them.</param>
/// <param name="Files">Contents of the files that it finds open from <see cref="FirstFile"/> on; in no command line and on no disk.</param>
internal sealed record IsolatorCommand(IReadOnlyList<string> Arguments, IReadOnlyList<byte[]> Files)
{
    /// <summary>Descriptor of the first file: after standard input, output, error and the control socket.</summary>
    public const int FirstFile = 4;
}
