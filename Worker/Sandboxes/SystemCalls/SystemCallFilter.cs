using System.Runtime.InteropServices;
using static FaasCluster.Worker.Sandboxes.SystemCalls.FilterProgram;

namespace FaasCluster.Worker.Sandboxes.SystemCalls;

/// <summary>
/// The seccomp filter of every sandbox, as a program for the kernel. It lets through what system-calls.txt allows; the rest answers
/// an error and ends nothing, so that programs which try something newer first can fall back. Where no argument is looked at, kernels from
/// 5.11 on keep the answer in a bitmap, so it costs a call nothing that can be measured.
/// </summary>
internal static class SystemCallFilter
{
    private const int EPERM = 1;
    private const int ENOSYS = 38;
    private const int EPROTONOSUPPORT = 93;
    private const int EAFNOSUPPORT = 97;

    // CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. NEWTIME shares its bit with the exit signal: clone cannot ask for it.
    private const uint CLONE_NEW = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000;

    private const uint TIOCSTI = 0x5412;
    private const uint TIOCLINUX = 0x541C;

    private const uint AF_UNIX = 1;
    private const uint AF_INET = 2;
    private const uint AF_INET6 = 10;
    private const uint AF_NETLINK = 16;
    private const uint NETLINK_ROUTE = 0;

    private static readonly Instruction Refused = Answer(Error(EPERM));

    /// <summary>The program for this machine, an array of struct sock_filter.</summary>
    public static byte[] ForThisMachine { get; } = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(Build(RuntimeInformation.OSArchitecture))).ToArray();

    /// <summary>The program for an architecture.</summary>
    /// <exception cref="PlatformNotSupportedException">It is neither x86-64 nor arm64.</exception>
    public static List<Instruction> Build(Architecture architecture)
    {
        var calls = SystemCall.Of(architecture).OrderBy(call => call.Number).ToList();
        Instruction[] unknown = [Answer(Error(ENOSYS))];
        List<(uint Start, Instruction[] Code)> ranges = [];
        var next = 0u;
        foreach (var call in calls)
        {
            if (call.Number > next)
            {
                Add(next, unknown);
            }

            Add(call.Number, Decide(call));
            next = call.Number + 1;
        }

        // The calls of x32 have numbers from 0x40000000 on, so they end here too.
        Add(next, unknown);
        return
        [
            // Those of 32-bit programs, made by int 0x80 or svc in another mode, have numbers of their own.
            LoadAt(4),
            new(JumpIfEqual, 1, 0, AuditArchitecture(architecture)),
            .. unknown,
            LoadAt(0),
            .. Search(CollectionsMarshal.AsSpan(ranges)),
        ];

        void Add(uint start, Instruction[] code)
        {
            // Neighbours with the same answer are one range.
            if (ranges.Count == 0 || !ranges[^1].Code.AsSpan().SequenceEqual(code))
            {
                ranges.Add((start, code));
            }
        }
    }

    private static Instruction[] Decide(SystemCall call) => (call.Verdict, call.Name) switch
    {
        (Verdict.Allow, _) => [Answer(Allow)],
        (Verdict.Refuse, _) => [Refused],

        // Threads and processes, but no namespaces.
        (_, "clone") => [LoadArgument(0), new(JumpIfAny, 0, 1, CLONE_NEW), Refused, Answer(Allow)],

        // Not into the terminal of whoever started the worker (CVE-2017-5226). The kernel sees 32 bits of the request, and so must this.
        (_, "ioctl") => [LoadArgument(1), .. AnswerIf(TIOCSTI, Error(EPERM)), .. AnswerIf(TIOCLINUX, Error(EPERM)), Answer(Allow)],

        // The ordinary one, and the question which it is.
        (_, "personality") => [LoadArgument(0), .. AnswerIf(0, Allow), .. AnswerIf(uint.MaxValue, Allow), Refused],

        // Of some forty families, those that programs use; of netlink what tells the addresses of interfaces.
        (_, "socket") =>
        [
            LoadArgument(0),
            .. AnswerIf(AF_UNIX, Allow), .. AnswerIf(AF_INET, Allow), .. AnswerIf(AF_INET6, Allow),
            new(JumpIfEqual, 1, 0, AF_NETLINK), Answer(Error(EAFNOSUPPORT)),
            LoadArgument(2), .. AnswerIf(NETLINK_ROUTE, Allow), Answer(Error(EPROTONOSUPPORT)),
        ],
        _ => throw new InvalidOperationException($"system-calls.txt says that the arguments of '{call.Name}' are looked at, and nothing does."),
    };

    // AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h.
    private static uint AuditArchitecture(Architecture architecture) => architecture == Architecture.X64 ? 0xC000003Eu : 0xC00000B7u;
}
