using System.Buffers.Binary;
using System.Runtime.InteropServices;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>Finds the program that a "provided" function starts with, and says beforehand why the kernel would not run it.</summary>
internal static class Bootstrap
{
    private const string Name = "bootstrap";

    // Beside the package: where layers, and where the platform, may bring one.
    private static readonly string[] Elsewhere = ["/opt", RootTree.RuntimeDirectory];

    /// <summary>Its path in the sandbox, or what is wrong and what to do.</summary>
    /// <param name="package">The function's files.</param>
    /// <param name="root">The directory on the host that becomes the sandbox's root.</param>
    public static (string? Path, string? Problem) Find(PackageLease package, string root)
    {
        if (package.Files.Contains(Name))
        {
            return package.Find(Name, static lease => Check(Path.Combine(lease.Directory, Name))) is { } problem ? (null, problem) : ($"{RootTree.TaskDirectory}/{Name}", null);
        }

        var found = Elsewhere.Select(directory => $"{directory}/{Name}").FirstOrDefault(path => File.Exists(root + path));
        return found is not null
            ? (found, null)
            : (null, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap /var/runtime/bootstrap]. The package needs an executable file 'bootstrap' at its top.");
    }

    private static string? Check(string file)
    {
        if (!File.GetUnixFileMode(file).HasFlag(UnixFileMode.OtherExecute))
        {
            return "'bootstrap' is not executable; run 'chmod +x bootstrap' and deploy again.";
        }

        Span<byte> head = stackalloc byte[128];
        using var stream = File.OpenRead(file);
        head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        if (head.StartsWith("#!"u8))
        {
            var line = head.IndexOf((byte)'\n');
            return line > 0 && head[line - 1] == '\r'
                ? "The first line of 'bootstrap' ends in CR LF, so no such interpreter is found; save it with the line ends of Unix (LF)."
                : null;
        }

        return head.StartsWith("\u007fELF"u8) && head.Length >= 20
            ? CheckMachine(BinaryPrimitives.ReadUInt16LittleEndian(head[18..]))
            : "'bootstrap' is neither a program of Linux (ELF) nor a script that begins with '#!'.";
    }

    // Offset 18 of an ELF file: e_machine, of which the big-endian ones are nobody's workers.
    private static string? CheckMachine(ushort machine)
    {
        Architecture? built = machine switch
        {
            3 => Architecture.X86,
            40 => Architecture.Arm,
            62 => Architecture.X64,
            183 => Architecture.Arm64,
            _ => null,
        };
        var here = RuntimeInformation.OSArchitecture;
        var runs = built is null || built == here || (built == Architecture.X86 && here == Architecture.X64) || (built == Architecture.Arm && here == Architecture.Arm64);
        return runs ? null : $"'bootstrap' was built for {built}; this worker is {here}. Build it for that (Go: GOARCH={(here == Architecture.X64 ? "amd64" : "arm64")}) and deploy again.";
    }
}
