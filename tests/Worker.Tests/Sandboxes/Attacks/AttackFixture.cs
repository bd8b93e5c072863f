using System.Text.Json;
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

    /// <summary>Runs an attack; returns what it gained, or null.</summary>
    internal async Task<string?> TryAsync(Attack attack, string runtime)
    {
        Environment.SetEnvironmentVariable(marker, "1");
        try
        {
            // Where every function can see it, and only the worker's user may read it.
            var root = Directory.GetDirectories(Path.Combine(Root, "state"), "root", SearchOption.AllDirectories).Single();
            var secret = Path.Combine(root, "etc/secret");
            await File.WriteAllTextAsync(secret, marker);
            File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            var hostFile = Path.Combine(Root, "host");
            await File.WriteAllTextAsync(hostFile, "the host's");
            var body = JsonSerializer.Serialize(new
            {
                secret = new { file = "/etc/secret", text = marker },
                hostFile,
                marker,
                worker = Path.GetFileName(Environment.ProcessPath),
            });
            var outcome = await RunAsync(attack.Deploy(this, runtime), body);
            if (attack.LeavesProcesses)
            {
                return Leftovers.Processes(marker + "-orphan") is { Count: > 0 } left ? string.Join(' ', left) : null;
            }

            return outcome.Error is { Code: ErrorCode.SandboxFailed } broken ? throw new InvalidOperationException(broken.Message) : Gain(outcome);
        }
        finally
        {
            Environment.SetEnvironmentVariable(marker, null);
        }
    }

    private static string? Gain(ExecutionOutcome outcome) =>
        outcome.Error is null && Text(outcome).Trim() is not ("null" or "false" or "[]" or "\"\"") ? Text(outcome).Trim() : null;

    /// <summary>A worker with something switched off.</summary>
    internal sealed class Without(Defences defences) : AttackFixture
    {
        internal override Defences Defences => defences;
    }
}
