using System.Globalization;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Provided;

namespace FaasCluster.Worker.Sandboxes.Pool;

/// <summary>
/// What a generic sandbox runs before it knows its function. Two functions can take from the same pool if this is equal.
/// </summary>
/// <param name="Runtime">One of <see cref="RuntimeIds"/>.</param>
/// <param name="HeapMegabytes">The heap that V8 was told at its start, which is the only time that it listens; 0 for others.</param>
/// <param name="Network">What it may reach: opened at its boot, because it takes longer than a cold start.</param>
internal sealed record RuntimeCommand(string Runtime, int HeapMegabytes, NetworkPolicy Network)
{
    /// <summary>Memory of a booted sandbox that nobody has taken.</summary>
    public const long BootMemoryBytes = 512L << 20;

    /// <summary>The one for a function.</summary>
    public static RuntimeCommand For(FunctionManifest manifest) => For(manifest.Runtime, manifest.MemoryBytes, manifest.Network);

    /// <summary>The one for a function of the given memory.</summary>
    public static RuntimeCommand For(string runtime, long memoryBytes, NetworkPolicy network = NetworkPolicy.Egress)
    {
        if (runtime != RuntimeIds.NodeJs)
        {
            return new RuntimeCommand(runtime, 0, network);
        }

        // Powers of two, so that few pools serve all sizes. Never less than the function has: what ends it is its own limit.
        var heap = 128;
        while ((long)heap << 20 < memoryBytes)
        {
            heap *= 2;
        }

        return new RuntimeCommand(runtime, heap, network);
    }

    /// <summary>
    /// The limit of the one process where there is no cgroup. V8 has one of its own for its heap, ends with a clear message there,
    /// and with a crash when the kernel refuses it memory before.
    /// </summary>
    public long ProcessMemoryBytes(long memoryBytes) => HeapMegabytes == 0 ? memoryBytes : ((long)HeapMegabytes << 20) + (256L << 20);

    /// <summary>
    /// Whether the first is booted with the worker, because an interpreter takes long to come up. A shell does not: the pool of "provided"
    /// begins with its first call, and costs nothing where nobody has Lambda programs.
    /// </summary>
    public static bool IsBootedAhead(string runtime) => runtime is RuntimeIds.Python3 or RuntimeIds.NodeJs or RuntimeIds.DotNet;

    /// <summary>The port on its loopback on which the worker listens from its boot on; null for none.</summary>
    public int? Port => Runtime == RuntimeIds.Provided ? ProvidedEnvironment.Port : null;

    /// <summary>Whether standard input says what to run.</summary>
    public bool IsToldByInput => Runtime == RuntimeIds.Provided;

    /// <summary>Whether the host has the interpreter.</summary>
    public static bool IsInstalled(SandboxOptions options, string runtime) => runtime switch
    {
        RuntimeIds.Python3 => File.Exists(options.PythonPath),
        RuntimeIds.NodeJs => File.Exists(options.NodePath),
        RuntimeIds.DotNet => DotNetCommand.IsInstalled(options.DotNetPath),
        RuntimeIds.Wasm => Wasm.Native.Wasmtime.IsAvailable,
        _ => true,
    };

    /// <summary>The program and its arguments.</summary>
    public IReadOnlyList<string> Arguments(SandboxOptions options) => Runtime switch
    {
        // Isolated: no PYTHON* variables, no user site. No byte code is written: everything is read-only.
        RuntimeIds.Python3 => [options.PythonPath, "-I", "-B", $"{RootTree.RuntimeDirectory}/python/main.py"],
        RuntimeIds.NodeJs => [options.NodePath, string.Create(CultureInfo.InvariantCulture, $"--max-old-space-size={HeapMegabytes}"), $"{RootTree.RuntimeDirectory}/nodejs/main.js"],
        RuntimeIds.DotNet => DotNetCommand.Arguments(options.DotNetPath),
        RuntimeIds.Provided => [RootTree.ScriptShell, $"{RootTree.RuntimeDirectory}/provided/start.sh"],
        _ => throw new ArgumentException($"'{Runtime}' has no generic sandboxes; expected {RuntimeIds.Provided} or one of an interpreter."),
    };
}
