using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;
using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>Something that a hostile function tries, and the defence without which it succeeds.</summary>
/// <param name="Name">Its name in the table of docs/sandboxes.md.</param>
/// <param name="Code">Python: a function attack(event) that returns what it gained, or nothing.</param>
/// <param name="Off">What to switch off so that it succeeds.</param>
/// <param name="MemoryBytes">The memory of the function.</param>
internal sealed record Attack(string Name, string Code, Defences Off, long MemoryBytes = 256L << 20)
{
    /// <summary>Whether only cgroups stop it: an ordinary user without any has no defence, as the documentation says.</summary>
    public bool NeedsCgroup { get; init; }

    /// <summary>Whether it is for a worker that is root: an ordinary user's files are the user's sandboxes' in any case.</summary>
    public bool NeedsRoot { get; init; }

    /// <summary>Whether what it gains are processes that outlive the sandbox.</summary>
    public bool LeavesProcesses { get; init; }

    /// <summary>The attack as a function of a runtime.</summary>
    public FunctionRevision Deploy(SandboxFixture fixture, string runtime)
    {
        FunctionManifest Limit(FunctionManifest manifest) => manifest with { MemoryBytes = MemoryBytes, Timeout = TimeSpan.FromSeconds(20) };
        return runtime == RuntimeIds.Python3
            ? fixture.Python($"{Code}\ndef handler(event, context):\n    return attack(event)", Limit)
            : fixture.Deploy(
                RuntimeIds.Executable,
                "attack.py",
                PackageBuilder.FromFile("attack.py", Encoding.UTF8.GetBytes($"#!/usr/bin/python3\n{Code}\nimport json, sys\nprint(json.dumps(attack(json.load(sys.stdin))))"), executable: true),
                Limit);
    }
}
