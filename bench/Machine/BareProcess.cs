using System.Diagnostics;
using System.Runtime.InteropServices;

namespace FaasCluster.Bench.Machine;

/// <summary>
/// Starts a program and waits for its end, by posix_spawn and waitpid: what a cold start is measured against, without what
/// .NET's Process adds.
/// </summary>
internal static partial class BareProcess
{
    private const int Interrupted = 4;

    /// <summary>Python as the sandboxes run it.</summary>
    public static readonly string[] Python = ["/usr/bin/python3", "-c", "pass"];

    /// <summary>Node.js as the sandboxes run it.</summary>
    public static readonly string[] Node = [FindNode(), "-e", "0"];

    /// <summary>How long the program took, in ticks of <see cref="Stopwatch"/>.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="variables">Its environment, beside a path.</param>
    /// <param name="meanwhile">What is done while it runs; it must end by itself afterwards.</param>
    public static long Run(string[] command, string[]? variables = null, Action? meanwhile = null) => RunAtOnce(command, 1, variables, meanwhile);

    /// <summary>How long all took that were started one right after the other, in ticks of <see cref="Stopwatch"/>.</summary>
    public static long RunAtOnce(string[] command, int count, string[]? variables = null, Action? meanwhile = null)
    {
        string?[] arguments = [.. command, null];
        string?[] environment = ["PATH=/usr/local/bin:/usr/bin:/bin", .. variables ?? [], null];
        var processes = new int[count];
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var error = Spawn(out processes[i], command[0], 0, 0, arguments, environment);
            if (error != 0)
            {
                throw new BenchFailedException($"'{command[0]}' did not start (errno {error}); install it.");
            }
        }

        meanwhile?.Invoke();
        var failure = processes.Select(WaitFor).ToList().Find(status => status != 0);
        var took = Stopwatch.GetTimestamp() - started;
        return failure == 0 ? took : throw new BenchFailedException($"'{string.Join(' ', command)}' ended with wait status {failure}.");
    }

    private static int WaitFor(int process)
    {
        int status;
        while (WaitFor(process, out status, 0) < 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                throw new BenchFailedException($"Process {process} could not be waited for (errno {Marshal.GetLastPInvokeError()}).");
            }
        }

        return status;
    }

    private static string FindNode() => new[] { "/usr/bin/node", "/usr/local/bin/node" }.FirstOrDefault(File.Exists) ?? "/usr/bin/node";

    [LibraryImport("libc", EntryPoint = "posix_spawn", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Spawn(out int process, string path, nint actions, nint attributes, string?[] arguments, string?[] environment);

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitFor(int process, out int status, int options);
}
