namespace FaasCluster.Contracts.Functions;

/// <summary>The runtimes that a manifest may name.</summary>
public static class RuntimeIds
{
    /// <summary>CPython 3 of the host. Handler "module.function".</summary>
    public const string Python3 = "python3";

    /// <summary>Node.js of the host. Handler "module.export".</summary>
    public const string NodeJs = "nodejs";

    /// <summary>A class library for .NET 10. Handler "Assembly::Namespace.Type::Method".</summary>
    public const string DotNet = "dotnet";

    /// <summary>Any program: one process per invocation, event on stdin, result on stdout. Handler is the file's name.</summary>
    public const string Executable = "executable";

    /// <summary>A WebAssembly module, a WASI preview 1 command: a fresh instance per invocation, otherwise as executable. Handler is the file's name.</summary>
    public const string Wasm = "wasm";

    /// <summary>An executable "bootstrap" that speaks the AWS Lambda Runtime API. Handler is what it finds in _HANDLER.</summary>
    public const string Provided = "provided";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Python3, NodeJs, DotNet, Executable, Wasm, Provided];

    /// <summary>What a name that a manifest may use stands for: AWS's names of <see cref="Provided"/> say which Amazon Linux lies below, and none does here.</summary>
    public static string Resolve(string name) => name is "provided.al2" or "provided.al2023" ? Provided : name;
}
