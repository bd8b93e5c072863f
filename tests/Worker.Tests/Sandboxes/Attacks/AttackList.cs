using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>
/// What hostile functions try. The event has "secret" (a file's place and contents), "hostFile" (one of the host's that everybody may
/// read), "marker" (what stands in the worker's environment), "worker" (its process's command line) and "runtime" (the function's own).
/// </summary>
internal static class AttackList
{
    private static readonly Defences AllBut = Defences.All with { Canary = false };
    private static readonly Defences AllButPackages = AllBut with { Unpack = HostileZip.UnpackTrustingly };

    // Makes one line of what the worker keeps apart (descriptor 4), and lets a shell take it apart again.
    private const string JoiningWords = """
        #!/bin/sh
        [ "$1" = --args ] || exec /usr/bin/bwrap "$@"
        exec /bin/sh -c "exec /usr/bin/bwrap $(/usr/bin/tr '\0' ' ' <&4) \"\$@\"" sh "$@"
        """;

    // A mount more, below the package: bubblewrap follows the link that it finds there.
    private const string MountingBelowThePackage = """
        #!/bin/sh
        case $1 in
          --args) shift 2; exec /usr/bin/bwrap --args 4 --bind "${0%/*}/data" /var/task/data "$@" ;;
          *) exec /usr/bin/bwrap "$@" ;;
        esac
        """;

    public static IReadOnlyList<Attack> All { get; } =
    [
        new("root's files", """
            def attack(event):
                with open(event["secret"]["file"]) as file:
                    return file.read() == event["secret"]["text"] and "read"
            """, AllBut with { OwnUser = false }) { NeedsRoot = true },

        new("environment of the worker", """
            import glob
            def attack(event):
                for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/task/*/environ"):
                    try:
                        with open(path, "rb") as file:
                            if event["marker"].encode() in file.read(): return path
                    except OSError:
                        pass
            """, AllBut with { EmptyEnvironment = false }),

        new("descriptors of the worker", """
            import os
            def attack(event):
                for name in os.listdir("/proc/self/fd"):
                    try:
                        return os.read(os.open(event["hostFile"].lstrip("/"), os.O_RDONLY, dir_fd=int(name)), 100).decode()
                    except OSError:
                        pass
            """, AllBut with { ClosedDescriptors = false }),

        new("command lines of the host", """
            import glob
            def attack(event):
                for path in glob.glob("/proc/[0-9]*/cmdline"):
                    try:
                        with open(path, "rb") as file:
                            if event["worker"].encode() in file.read(): return path
                    except OSError:
                        pass
            """, AllBut with { ProcessNamespace = false }),

        new("overwriting the runtime", """
            import os
            def attack(event):
                for path in ("/var/runtime/python/main.py", "/var/runtime/executable/start.sh"):
                    try:
                        os.chmod(path, 0o666)
                        open(path, "a").close()
                        return path
                    except OSError:
                        pass
            """, AllBut with { ReadOnlyMounts = false, OwnUser = false }),

        new("overwriting the package", """
            import os
            def attack(event):
                for name in os.listdir("/var/task"):
                    try:
                        os.chmod("/var/task/" + name, 0o777)
                        open("/var/task/" + name, "a").close()
                        return name
                    except OSError:
                        pass
            """, AllBut with { ReadOnlyMounts = false, OwnUser = false }),

        new("new namespaces", """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            def attack(event):
                gained = []
                for flag in (0x10000000, 0x10020000, 0x14000000, 0x18000000, 0x30000000, 0x50000000, 0x12000000):
                    child = os.fork()
                    if child == 0: os._exit(0 if libc.unshare(flag) == 0 else 1)
                    if os.waitpid(child, 0)[1] == 0: gained.append(hex(flag))
                return gained
            """, AllBut with { SystemCalls = false, NestedNamespaces = false }),

        new("mounts in a namespace of its own", """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            def attack(event):
                child = os.fork()
                if child == 0: os._exit(0 if libc.unshare(0x10020000) == 0 and libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0 else 1)
                return os.waitpid(child, 0)[1] == 0 and "mounted"
            """, AllBut with { SystemCalls = false, NestedNamespaces = false }),

        new("forbidden system calls", """
            import ctypes, os
            libc = ctypes.CDLL(None, use_errno=True)
            def answer(numbers, *arguments):
                number = numbers[("x86_64", "aarch64").index(os.uname().machine)]
                ctypes.set_errno(0)
                return ctypes.get_errno() if libc.syscall(ctypes.c_long(number), *(ctypes.c_long(a) for a in arguments)) < 0 else 0
            def attack(event):
                # Each succeeds, or fails over its arguments, where nothing is filtered.
                answers = {
                    "keyctl": answer((250, 219), 0, -3, 0), "add_key": answer((248, 217), 0, 0, 0, 0, 0), "ptrace": answer((101, 117), 0x4206, 0x7FFFFFF0, 0, 0),
                    "process_vm_readv": answer((310, 270), 0x7FFFFFF0, 0, 0, 0, 0, 0), "process_vm_writev": answer((311, 271), 0x7FFFFFF0, 0, 0, 0, 0, 0),
                    "personality": answer((135, 92), 0x0040000), "io_uring_setup": answer((425, 425), 0, 0), "kcmp": answer((312, 272), 0x7FFFFFF0, 0x7FFFFFF0, 0, 0, 0),
                    "clone3": 1 if answer((435, 435), 0, 0) == 38 else 0, "TIOCSTI": answer((16, 29), 0, 0x5412, 0), "TIOCLINUX": answer((16, 29), 0, 0x541C, 0),
                    "name_to_handle_at": answer((303, 264), -1, 0, 0, 0, 0),
                }
                return [name for name, error in answers.items() if error != 1]
            """, AllBut with { SystemCalls = false }),

        new("fork bomb", """
            import os, signal, time
            def attack(event):
                children = []
                try:
                    while len(children) < 200:
                        child = os.fork()
                        if child == 0:
                            time.sleep(100)
                            os._exit(0)
                        children.append(child)
                except OSError:
                    pass
                for child in children: os.kill(child, signal.SIGKILL)
                for child in children: os.waitpid(child, 0)
                return len(children) >= 200 and len(children)
            """, AllBut with { Cgroup = false }),

        new("memory bomb", """
            def attack(event):
                memory = b"x" * (600 << 20)
                return len(memory)
            """, AllBut with { Cgroup = false }),

        new("memory bomb of a child, its parent says that all is well", """
            import subprocess, sys
            def attack(event):
                ended = subprocess.run([sys.executable, "-c", "x = b'x' * (600 << 20)"]).returncode
                return f"all is well, the child ended with {ended}"
            """, AllBut with { Cgroup = false }) { NeedsCgroup = true },

        new("tmpfs bomb", """
            def attack(event):
                with open("/tmp/bomb", "wb") as file:
                    for _ in range(100): file.write(b"x" * (1 << 20))
                return "written"
            """, AllBut with { FileSizes = false }, 512L << 20),

        new("shared memory bomb", """
            def attack(event):
                with open("/dev/shm/bomb", "wb") as file:
                    for _ in range(100): file.write(b"x" * (1 << 20))
                return "written"
            """, AllBut with { FileSizes = false }, 512L << 20),

        new("orphans", """
            import subprocess
            def attack(event):
                # Looked for on the host, by its arguments, when the sandbox is gone.
                subprocess.Popen(["/bin/sh", "-c", "(setsid sleep 900; :) & :", event["marker"] + "-orphan"], start_new_session=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                subprocess.Popen(["setsid", "/bin/sh", "-c", "sleep 900; :", event["marker"] + "-orphan"], start_new_session=True,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            """, AllBut with { ProcessNamespace = false, Cgroup = false }) { LeavesProcesses = true },

        new("descriptor bomb", """
            def attack(event):
                files = [open("/dev/null") for _ in range(2000)]
                return len(files)
            """, AllBut with { Descriptors = false }),

        new("inode bomb", """
            import os
            def attack(event):
                for i in range(70000): os.mknod(f"/tmp/{i}")
                return "made"
            """, AllBut with { Cgroup = false }, 48L << 20) { NeedsCgroup = true },

        new("taking over a warm sandbox", """
            def attack(event):
                # Called for every event that comes to this sandbox.
                return event.get("card") and "has " + event["card"]
            """, AllBut) { WaitsForTheNext = true },

        new("options in the environment", """
            import os
            def attack(event):
                return os.path.exists("/opt/usr") and os.listdir("/opt")
            """, AllBut)
        {
            Environment = new Dictionary<string, string> { ["COLOUR"] = "blue --ro-bind / /opt" },
            Bubblewrap = JoiningWords,
            Runtimes = [RuntimeIds.Executable],
        },

        new("a package whose file climbs out of it", """
            def attack(event):
                try:
                    with open("/etc/climbed-" + event["runtime"]) as file: return file.read()
                except OSError:
                    pass
            """, AllButPackages)
        {
            Entries = [("../../root/etc/climbed-RUNTIME", "written", false)],
        },

        new("a package with a link out of it", """
            def attack(event):
                try:
                    with open("/etc/linked-" + event["runtime"]) as file: return file.read()
                except OSError:
                    pass
            """, AllButPackages)
        {
            Entries = [("link", "../../root/etc", true), ("link/linked-RUNTIME", "written", false)],
        },

        new("a mount point that its package made a link", """
            def attack(event):
                try:
                    open("/etc/new", "w").close()
                    return "/etc"
                except OSError:
                    pass
            """, AllButPackages) { Entries = [("data", "../../etc", true)], Bubblewrap = MountingBelowThePackage },

        new("output flood", """
            import os
            def attack(event):
                for _ in range(8): os.write(2, (b"x" * 1023 + b"\n") * 1024)
            """, AllBut with { LogLimit = false }) { FloodsTheLog = true },
    ];
}
