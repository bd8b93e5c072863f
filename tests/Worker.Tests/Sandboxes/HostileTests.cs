using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>What functions do to break out, or to take more than is theirs. Each ends in its own error, and the next function is unaffected.</summary>
public sealed class HostileTests(HostileTests.Fixture fixture) : IClassFixture<HostileTests.Fixture>
{
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task Sleep_PastTheTimeout_IsATimeout()
    {
        var log = new TestLog();
        var outcome = await RunAsync("import time\ndef handler(e, c):\n    print('before')\n    time.sleep(1000)", manifest => manifest with { Timeout = TimeSpan.FromSeconds(3.5) }, log);
        Assert.Contains("3.5 s", SandboxFixture.Error(outcome, ErrorCode.Timeout).Message);
        Assert.InRange(outcome.Run, TimeSpan.FromSeconds(3.49), TimeSpan.FromMinutes(1));
        Assert.Equal("stdout: before", log.Text);
        await AssertUnaffectedAsync();
    }

    [Fact]
    public async Task Memory_PastTheLimit_IsOutOfMemory()
    {
        var outcome = await RunAsync("def handler(e, c):\n    all = []\n    while True: all.append(bytearray(1 << 20))");
        SandboxFixture.Error(outcome, ErrorCode.OutOfMemory);
        await AssertUnaffectedAsync();
    }

    [Fact]
    public async Task Memory_OfAChild_IsOutOfMemoryThoughItsParentAnswers()
    {
        Assert.SkipUnless(fixture.EnforcesMemory, "Without a cgroup nobody counts the memory of children.");
        var outcome = await RunAsync("""
            import subprocess, sys
            def handler(event, context):
                subprocess.run([sys.executable, "-c", "x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1"])
                return "all is well"
            """);
        SandboxFixture.Error(outcome, ErrorCode.OutOfMemory);
    }

    [Fact]
    public async Task Memory_OfAChildOfAProgram_IsOutOfMemoryThoughItExitsWith0()
    {
        Assert.SkipUnless(fixture.EnforcesMemory, "Without a cgroup nobody counts the memory of children.");
        var revision = fixture.Shell("#!/bin/sh\npython3 -c 'x = b\"a\" * (1 << 30)'\nexit 0");
        SandboxFixture.Error(await fixture.RunAsync(revision), ErrorCode.OutOfMemory);
    }

    [Theory]
    [InlineData("/tmp")]
    [InlineData("/dev/shm")]
    public async Task Files_InMemoryPastTheLimit_AreRefusedOrOutOfMemory(string directory)
    {
        var outcome = await RunAsync($$"""
            def handler(event, context):
                with open("{{directory}}/bomb", "wb") as file:
                    for _ in range(2000): file.write(b"x" * (1 << 20))
            """);
        Assert.True(outcome.Error is { Code: ErrorCode.OutOfMemory } or { Code: ErrorCode.FunctionError, Type: "OSError" }, outcome.Error?.ToString());
        await AssertUnaffectedAsync();
    }

    [Fact]
    public async Task Forks_WithoutEnd_StayWithinTheLimitAndEndWithTheTimeout()
    {
        var outcome = await RunAsync("""
            import os, time
            def handler(event, context):
                count = 0
                while True:
                    try:
                        if os.fork() == 0:
                            time.sleep(1000)
                        count += 1
                    except OSError as error:
                        print(count, flush=True)
                        time.sleep(1000)
            """, manifest => manifest with { Timeout = TimeSpan.FromSeconds(6), MemoryBytes = 1024L << 20 }, out var log);
        SandboxFixture.Error(outcome, ErrorCode.Timeout);
        Assert.InRange(int.Parse(Assert.Single(log.Lines).Line), Fixture.ProcessLimit / 2, Fixture.ProcessLimit);
        await AssertUnaffectedAsync();
    }

    [Fact]
    public async Task Forks_ThatFork_EndWithTheTimeout()
    {
        var outcome = await RunAsync("""
            import os
            def handler(event, context):
                while True:
                    try: os.fork()
                    except OSError: pass
            """, manifest => manifest with { Timeout = Short });
        Assert.True(outcome.Error?.Code is ErrorCode.Timeout or ErrorCode.OutOfMemory or ErrorCode.ProtocolError, outcome.Error?.ToString());
        await AssertNothingLeftAsync();
        await AssertUnaffectedAsync();
    }

    [Fact]
    public async Task Orphans_ThatForkedTwiceAndLeftTheSession_EndWithTheTimeout()
    {
        var outcome = await RunAsync("""
            import os, time
            def handler(event, context):
                for _ in range(3):
                    if os.fork() == 0:
                        os.setsid()
                        if os.fork() == 0:
                            os.setsid()
                            while True: time.sleep(1)
                        os._exit(0)
                time.sleep(1000)
            """, manifest => manifest with { Timeout = Short });
        SandboxFixture.Error(outcome, ErrorCode.Timeout);
        await AssertNothingLeftAsync();
    }

    [Fact]
    public Task Fault15_OutputOfAHundredMegabytes_IsCutAndTheMemoryOfTheWorkerStaysFlat() =>
        HelperTests.RunAloneAsync(typeof(HostileTests), nameof(Output_OfAHundredMegabytes_IsNotKept));

    [Theory(Explicit = true)]
    [InlineData("for _ in range(100): os.write(1, b'x' * 1023 + b'\\n' + b'y' * (1 << 20))", false)]
    [InlineData("line = b'12345678901234567890\\n' * 50000\n    for _ in range(100): os.write(2, line)", true)]
    public async Task Output_OfAHundredMegabytes_IsNotKept(string code, bool isLines)
    {
        using var process = Process.GetCurrentProcess();
        var before = process.WorkingSet64;
        var outcome = await RunAsync($"import os\ndef handler(event, context):\n    {code}\n    return 'done'", null, out var log);
        Assert.Equal("\"done\"", SandboxFixture.Text(outcome));
        Assert.Equal("platform", log.Lines[^1].Stream);
        Assert.InRange(log.Lines.Sum(line => line.Length), Limits.LogBytes / 2, Limits.LogBytes + 200);
        Assert.All(log.Lines, line => Assert.InRange(line.Length, 0, 64 << 10));
        Assert.True(!isLines || log.Lines.Count > 40_000, $"{log.Lines.Count} lines");
        process.Refresh();
        Assert.InRange(process.WorkingSet64 - before, long.MinValue, 80L << 20);
    }

    [Fact]
    public async Task Output_FromABackgroundThread_DoesNotHoldUpTheAnswer()
    {
        var revision = fixture.Python("""
            import os, threading
            def flood():
                while True: os.write(1, b"x" * 1000 + b"\n")
            def handler(event, context):
                if not event.get("again"): threading.Thread(target=flood, daemon=True).start()
                return "done"
            """);
        await using var sandbox = await fixture.StartAsync(revision);
        Assert.Equal("\"done\"", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
        Assert.Equal("\"done\"", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision, """{"again":1}"""), new TestLog(), CancellationToken.None)));
    }

    [Theory]
    [InlineData("import socket; socket.socket(fileno=3).sendall(b'nonsense that is no frame at all')", ErrorCode.ProtocolError)]
    [InlineData("import socket; socket.socket(fileno=3).sendall((0xFFFFFFF0).to_bytes(4, 'big') + b'\\x06\\0\\0\\0\\0')", ErrorCode.ResponseTooLarge)]
    [InlineData("import socket; socket.socket(fileno=3).sendall((6).to_bytes(4, 'big') + b'\\x06\\0\\0\\0\\x02{}')", ErrorCode.ProtocolError)]
    [InlineData("import socket; socket.socket(fileno=3).sendall((8).to_bytes(4, 'big') + b'\\x06\\0\\0\\0\\x04null')", ErrorCode.ProtocolError)]
    [InlineData("import os, time; os.close(3); time.sleep(1000)", ErrorCode.ProtocolError)]
    public async Task ControlSocket_Abused_IsAProtocolError(string code, ErrorCode expected)
    {
        // crun holds the socket as well, outside, so that nobody sees it closed inside.
        var isTimeout = SandboxFixture.Isolation == IsolationKind.Crun && code.Contains("os.close(3)");
        expected = isTimeout ? ErrorCode.Timeout : expected;
        var revision = fixture.Python($"def handler(event, context):\n    {code}\n    return 'x'", manifest => isTimeout ? manifest with { Timeout = TimeSpan.FromSeconds(5) } : manifest);
        await using var sandbox = await fixture.StartAsync(revision);
        SandboxFixture.Error(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None), expected);
        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task ControlSocket_IsNotInheritedByPrograms()
    {
        var code = "import os\ndef handler(event, context): return os.popen('ls -l /proc/self/fd').read()";
        Assert.DoesNotContain("socket", SandboxFixture.Text(await RunAsync(code)));
        var node = fixture.Node("exports.handler = async () => require('child_process').execSync('ls -l /proc/self/fd').toString()", manifest => manifest with { MemoryBytes = 512L << 20 });
        Assert.Single(SandboxFixture.Text(await fixture.RunAsync(node)).Split("\\n"), line => line.Contains("0 -> socket") || line.Contains("0 -> pipe") || line.Contains("0 -> /dev/null"));
        var program = fixture.Shell("#!/bin/sh\nls -l /proc/self/fd");
        Assert.DoesNotContain("socket", SandboxFixture.Text(await fixture.RunAsync(program)));
    }

    [Fact]
    public async Task Cancellation_KillsTheRun()
    {
        var revision = fixture.Python("import time\ndef handler(e, c):\n    print('running', flush=True)\n    time.sleep(1000)");
        await using var sandbox = await fixture.StartAsync(revision);
        using var cancel = new CancellationTokenSource();
        var log = new TestLog();
        var run = sandbox.InvokeAsync(SandboxFixture.Message(revision), log, cancel.Token);
        await UntilAsync(() => log.Lines.Count > 0);
        await cancel.CancelAsync();
        SandboxFixture.Error(await run, ErrorCode.Cancelled);
        Assert.False(sandbox.IsUsable);
    }

    [Fact]
    public async Task Package_CannotBeChanged()
    {
        var code = """
            import os
            def handler(event, context):
                done = []
                for act in (lambda: open("/var/task/app.py", "a").close(), lambda: os.unlink("/var/task/app.py"), lambda: os.chmod("/var/task/app.py", 0o777),
                            lambda: open("/var/task/new.py", "w").close(), lambda: os.rename("/var/task", "/var/other"), lambda: os.utime("/var/task/app.py"),
                            lambda: open("/var/runtime/python/main.py", "a").close(), lambda: open("/usr/bin/python3", "ab").close()):
                    try:
                        act()
                        done.append(True)
                    except OSError:
                        done.append(False)
                return done
            """;
        Assert.Equal("[false, false, false, false, false, false, false, false]", SandboxFixture.Text(await RunAsync(code)));
        Assert.Equal("[false, false, false, false, false, false, false, false]", SandboxFixture.Text(await RunAsync(code)));
    }

    [Fact]
    public async Task Environment_OfTheWorker_IsInNoProcPath()
    {
        // The worker's process has this in its environment, see the project's launch by ./test, and in any case PATH and HOME of its own.
        var code = """
            import glob
            def handler(event, context):
                found = {}
                for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/task/*/environ") + glob.glob("/proc/*/cmdline") + glob.glob("/proc/*/root/proc/*/environ"):
                    try:
                        found[path] = open(path, "rb").read().decode("utf-8", "replace")
                    except OSError:
                        pass
                return found
            """;
        var text = SandboxFixture.Text(await RunAsync(code));
        if (SandboxFixture.Isolation == IsolationKind.Bubblewrap)
        {
            Assert.Contains("/proc/1/environ\": \"\"", text);
        }

        Assert.DoesNotContain("dotnet", text);
        foreach (System.Collections.DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (variable.Value is string { Length: > 6 } value && variable.Key is not ("LANG" or "PATH" or "HOME" or "TZ"))
            {
                Assert.DoesNotContain($"{variable.Key}={value}", text);
            }
        }
    }

    [Fact]
    public async Task Files_OfTheHost_AreNotThere()
    {
        var secret = Path.Combine(fixture.Root, "secret");
        File.WriteAllText(secret, "secret");
        var code = $$"""
            import os
            def handler(event, context):
                seen = []
                for path in ("{{secret}}", "/etc/shadow", "/etc/machine-id", "/root", "/home", "/work", "/sys", "/boot", "/var/lib", "/proc/1/root{{secret}}", "/proc/1/cwd/root"):
                    if os.path.exists(path): seen.append(path)
                return [seen, sorted(os.listdir("/")), sorted(os.listdir("/etc")), open("/etc/resolv.conf").read()]
            """;
        var text = SandboxFixture.Text(await RunAsync(code));
        Assert.StartsWith("[[], [", text);
        Assert.EndsWith("\"nameserver 127.0.0.1\\n\"]", text);
    }

    [Fact]
    public async Task Sandboxes_OfDifferentFunctions_SeeNothingOfEachOther()
    {
        var code = "import os, glob\ndef handler(event, context):\n    open('/tmp/mine', 'w').close()\n    open('/dev/shm/mine', 'w').close()\n    return [sorted(os.listdir('/var/task')), os.listdir('/tmp'), os.listdir('/dev/shm'), len([p for p in os.listdir('/proc') if p.isdigit()])]";
        var first = fixture.Python(code + " # first");
        var second = fixture.Python(code + " # second");
        await using var one = await fixture.StartAsync(first);
        await using var two = await fixture.StartAsync(second);
        foreach (var (sandbox, revision) in new[] { (one, first), (two, second), (one, first) })
        {
            Assert.Equal("""[["app.py"], ["mine"], ["mine"], 2]""", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
        }
    }

    [Fact]
    public async Task Network_OfTheHost_IsNotThere()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, 0));
        listener.Listen();
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        var addresses = Dns.GetHostAddresses(Dns.GetHostName()).Select(address => address.ToString()).Append("127.0.0.1").Append("0.0.0.0").Append("::1").Append("169.254.169.254");
        var code = $$"""
            import socket
            def handler(event, context):
                reached = []
                for address in {{"[" + string.Join(", ", addresses.Select(address => $"'{address}'")) + "]"}}:
                    try:
                        # What is refused is accepted by the worker first and then reset.
                        with socket.create_connection((address, {{port}}), timeout=30) as client: client.recv(1)
                        reached.append(address)
                    except TimeoutError:
                        reached.append(address)
                    except OSError:
                        pass
                return reached
            """;
        Assert.Equal("[]", SandboxFixture.Text(await RunAsync(code, manifest => manifest with { Timeout = TimeSpan.FromMinutes(10) })));
        Assert.False(listener.Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public async Task Privileges_CannotBeGained()
    {
        var code = """
            import ctypes, os, re, resource
            libc = ctypes.CDLL(None, use_errno=True)
            def handler(event, context):
                status = open("/proc/self/status").read()
                return {
                    "caps": [int(v, 16) for v in re.findall(r"^Cap\w+:\s*(\w+)", status, re.M)],
                    "unshare": [libc.unshare(flag) for flag in (0x10000000, 0x00020000, 0x40000000, 0x20000000)],
                    "mount": libc.mount(b"none", b"/tmp", b"tmpfs", 0, None),
                    "remount": libc.mount(None, b"/var/task", None, 32, None),
                    "chroot": libc.chroot(b"/tmp"),
                    "mknod": libc.mknod(b"/tmp/sda", 0o60666, 0x800),
                    "setuid": libc.setuid(0),
                    "reboot": libc.sethostname(b"x", 1),
                    "core": resource.getrlimit(resource.RLIMIT_CORE)[1],
                    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
                    "memlock": resource.getrlimit(resource.RLIMIT_MEMLOCK)[1],
                    "setgroups": os.getgroups() not in ([], [1000]),
                }
            """;
        Assert.Equal(
            """{"caps": [0, 0, 0, 0, 0], "unshare": [-1, -1, -1, -1], "mount": -1, "remount": -1, "chroot": -1, "mknod": -1, "setuid": -1, "reboot": -1, "core": 0, "nofile": 1024, "memlock": 0, "setgroups": false}""",
            SandboxFixture.Text(await RunAsync(code)));
    }

    [Fact]
    public async Task Descriptors_AreLimited()
    {
        var outcome = await RunAsync("def handler(e, c):\n    all = []\n    while True: all.append(open('/dev/null'))");
        var error = SandboxFixture.Error(outcome, ErrorCode.FunctionError);
        Assert.Equal("OSError", error.Type);
        Assert.Contains("Too many open files", error.Message);
    }

    [Fact]
    public async Task Descriptors_UsedUpBeforeTheRuntimeHasLoadedEverything_AreAnErrorOfTheFunction()
    {
        var outcome = await RunAsync("import sys\ndef handler(e, c):\n    sys.modules.pop('traceback', None)\n    all = []\n    while True: all.append(open('/dev/null'))");
        Assert.Contains("Too many open files", SandboxFixture.Error(outcome, ErrorCode.FunctionError).Message);
    }

    [Fact]
    public async Task Cpu_OfASmallFunction_IsItsShare()
    {
        Assert.SkipUnless(fixture.EnforcesMemory, "Without a cgroup CPU is not limited.");
        var outcome = await RunAsync("import time\ndef handler(e, c):\n    end = time.monotonic() + 2\n    while time.monotonic() < end: pass", manifest => manifest with { MemoryBytes = 177L << 20 });
        SandboxFixture.Text(outcome);
        Assert.InRange(outcome.CpuTime!.Value.TotalSeconds, 0.01, 0.6);
    }

    [Fact]
    public async Task Mounts_BelowThePackage_DoNotExist()
    {
        var text = SandboxFixture.Text(await RunAsync("def handler(event, context): return [line.split()[4] for line in open('/proc/self/mountinfo')]"));
        Assert.Contains("\"/var/task\"", text);
        Assert.DoesNotContain("/var/task/", text);
    }

    [Fact]
    public async Task Package_WithManyOwners_StaysReadableOnly()
    {
        var revision = fixture.Deploy(RuntimeIds.Executable, "run", PackageBuilder.FromFile("run", "#!/bin/sh\nrm -f /var/task/run; echo x >> /var/task/run; exec cat /var/task/run"u8, executable: true));
        Assert.DoesNotContain("\nx\n", SandboxFixture.Text(await fixture.RunAsync(revision)));
    }

    private Task<Worker.Sandboxes.ExecutionOutcome> RunAsync(string code, Func<FunctionManifest, FunctionManifest>? with = null, TestLog? log = null) =>
        fixture.RunAsync(fixture.Python(code, with), log: log);

    private Task<Worker.Sandboxes.ExecutionOutcome> RunAsync(string code, Func<FunctionManifest, FunctionManifest>? with, out TestLog log) => RunAsync(code, with, log = new TestLog());

    private async Task AssertUnaffectedAsync() => Assert.Equal("\"well\"", SandboxFixture.Text(await RunAsync("def handler(e, c): return 'well'")));

    private Task AssertNothingLeftAsync() => UntilAsync(() => Leftovers.Of(fixture).Count == 0, () => string.Join('\n', Leftovers.Of(fixture)));

    private static Task UntilAsync(Func<bool> condition, Func<string>? explain = null) => Wait.UntilAsync(condition, explain);

    public sealed class Fixture : SandboxFixture
    {
        public const int ProcessLimit = 64;

        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:ProcessLimit"] = $"{ProcessLimit}" };
    }
}
