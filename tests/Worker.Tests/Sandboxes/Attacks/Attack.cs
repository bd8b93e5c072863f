using FaasCluster.Contracts.Functions;
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

    /// <summary>Whether what it gains is more of the worker's memory and store than one invocation's log has.</summary>
    public bool FloodsTheLog { get; init; }

    /// <summary>Whether the next invocation is another account's, whose event it is after.</summary>
    public bool WaitsForTheNext { get; init; }

    /// <summary>The environment that its manifest asks for.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>What else is in its package: names as the archive has them, with the runtime for RUNTIME, and contents, of links their targets.</summary>
    public IReadOnlyList<(string Name, string Contents, bool IsLink)> Entries { get; init; } = [];

    /// <summary>
    /// What stands in bubblewrap's place without the defence, where that is how the worker calls it: a script that calls it as somebody
    /// else might.
    /// </summary>
    public string? Bubblewrap { get; init; }

    /// <summary>The runtimes by which it succeeds without the defence: words of a Python function's manifest are never arguments of a program.</summary>
    public IReadOnlyList<string> Runtimes { get; init; } = [RuntimeIds.Python3, RuntimeIds.Executable];

    /// <summary>The attack as a function of a runtime.</summary>
    public FunctionRevision Deploy(SandboxFixture fixture, string runtime) => Deploy(fixture, runtime, Code);

    /// <summary>Some other function that has the same limits.</summary>
    public FunctionRevision Deploy(SandboxFixture fixture, string runtime, string code)
    {
        var (file, text) = runtime == RuntimeIds.Python3
            ? ("app.py", $"{code}\ndef handler(event, context):\n    return attack(event)")
            : ("attack.py", $"#!/usr/bin/python3\n{code}\nimport json, sys\nprint(json.dumps(attack(json.load(sys.stdin))))");
        return fixture.Deploy(
            runtime,
            runtime == RuntimeIds.Python3 ? "app.handler" : file,
            HostileZip.Make([(file, text, false), .. Entries.Select(entry => entry with { Name = entry.Name.Replace("RUNTIME", runtime) })]),
            manifest => manifest with { MemoryBytes = MemoryBytes, Timeout = TimeSpan.FromMinutes(2), Environment = Environment });
    }
}
