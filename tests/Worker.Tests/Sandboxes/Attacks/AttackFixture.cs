using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Isolation;

namespace FaasCluster.Worker.Tests.Sandboxes.Attacks;

/// <summary>A worker to be attacked.</summary>
public class AttackFixture : SandboxFixture
{
    private readonly string marker = $"FAAS_TEST_MARKER_{Guid.NewGuid():N}";

    protected override Dictionary<string, string?> Settings => new()
    {
        ["Sandbox:ProcessLimit"] = "64",
        ["Sandbox:TemporaryBytes"] = $"{64L << 20}",
        ["Sandbox:SharedMemoryBytes"] = $"{16L << 20}",
        ["Sandbox:PoolMinimum"] = "0",
    };

    /// <summary>Whether a warm sandbox is given to whoever comes next.</summary>
    protected virtual bool SharesSandboxes => false;

    /// <summary>Runs an attack; returns what it gained, or null.</summary>
    internal async Task<string?> TryAsync(Attack attack, string runtime)
    {
        Environment.SetEnvironmentVariable(marker, "1");
        try
        {
            return await TryAsync(attack, attack.Deploy(this, runtime) with { AccountId = "hostile" });
        }
        finally
        {
            Environment.SetEnvironmentVariable(marker, null);
        }
    }

    private async Task<string?> TryAsync(Attack attack, FunctionRevision revision)
    {
        var start = await Factory.StartAsync(revision, new TestLog(), CancellationToken.None);
        if (start.Error?.Code == ErrorCode.PackageInvalid)
        {
            return null;
        }

        Assert.True(start.Error is null, start.Error?.ToString());
        var log = new TestLog();
        ExecutionOutcome outcome;
        await using (var sandbox = start.Sandbox!)
        {
            outcome = await sandbox.InvokeAsync(Message(revision, await MakeEventAsync(revision)), log, CancellationToken.None);
            if (attack.WaitsForTheNext)
            {
                Assert.Null(Gain(outcome));
                outcome = await InvokeForAnotherAsync(attack, sandbox);
            }
        }

        if (attack.LeavesProcesses)
        {
            return Leftovers.Processes(marker + "-orphan") is { Count: > 0 } left ? string.Join(' ', left) : null;
        }

        if (attack.FloodsTheLog)
        {
            return log.Lines.Sum(line => line.Length) is > Limits.LogBytes + 1000 and var bytes ? $"{bytes} bytes of log" : null;
        }

        return outcome.Error is { Code: ErrorCode.SandboxFailed } broken ? throw new InvalidOperationException(broken.Message) : Gain(outcome);
    }

    // The other's function takes its event and says nothing of it.
    private async Task<ExecutionOutcome> InvokeForAnotherAsync(Attack attack, ISandbox warm)
    {
        var runtime = warm.Revision.Manifest.Runtime;
        var victim = attack.Deploy(this, runtime, "def attack(event): return len(event['card']) == 0") with { AccountId = "another" };
        var message = Message(victim, """{"card": "4111"}""");
        if (SharesSandboxes)
        {
            return await warm.InvokeAsync(message, new TestLog(), CancellationToken.None);
        }

        await using var own = await StartAsync(victim);
        return await own.InvokeAsync(message, new TestLog(), CancellationToken.None);
    }

    private async Task<string> MakeEventAsync(FunctionRevision revision)
    {
        // Where every function can see it, and only the worker's user may read it.
        var root = Directory.GetDirectories(Path.Combine(Root, "state"), "root", SearchOption.AllDirectories).Single();
        var secret = Path.Combine(root, "etc/secret");
        await File.WriteAllTextAsync(secret, marker);
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        var hostFile = Path.Combine(Root, "host");
        await File.WriteAllTextAsync(hostFile, "the host's");
        return JsonSerializer.Serialize(new
        {
            secret = new { file = "/etc/secret", text = marker },
            hostFile,
            marker,
            worker = Path.GetFileName(Environment.ProcessPath),
            runtime = revision.Manifest.Runtime,
        });
    }

    private static string? Gain(ExecutionOutcome outcome) =>
        outcome.Error is null && Text(outcome).Trim() is not ("null" or "false" or "[]" or "\"\"") ? Text(outcome).Trim() : null;

    /// <summary>A worker without the defence against an attack.</summary>
    internal sealed class Without(Attack attack) : AttackFixture
    {
        internal override Defences Defences => attack.Off;

        protected override bool SharesSandboxes => attack.WaitsForTheNext;

        protected override Dictionary<string, string?> Settings => new(base.Settings)
        {
            // Nothing is booted ahead, and packages are mounted as they are.
            ["Sandbox:PoolMaximum"] = "0",
            ["Sandbox:MostLinkedFiles"] = "0",
            ["Sandbox:BubblewrapPath"] = attack.Bubblewrap is { } script ? Write(script) : "/usr/bin/bwrap",
        };

        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();

            // Where a package's link to the sandbox's /etc leads outside.
            Directory.CreateDirectory(Path.Combine(Root, "state", "0", "etc"));
        }

        private string Write(string script)
        {
            var path = Path.Combine(Root, "bwrap");
            File.WriteAllText(path, script.ReplaceLineEndings("\n"));
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
            Directory.CreateDirectory(Path.Combine(Root, "data"));
            return path;
        }
    }
}
