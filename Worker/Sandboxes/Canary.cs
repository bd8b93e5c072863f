using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Network;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>
/// Runs a function that tries to break out (runtimes/canary), through the launcher that will run users' code, and plants what it
/// must not reach. A worker on which one thing succeeds takes no work.
/// </summary>
internal sealed class Canary(SandboxLauncher launcher, SandboxNetworks networks, SandboxOptions options, PlatformAddresses platform, InstanceDirectory directory)
{
    private const long MemoryBytes = 128L << 20;

    // Each must be reported as held: a canary that ended half-way, or was swapped for another, has not passed.
    private static readonly string[] Expected =
    [
        "environment of other processes", "processes of the host", "files of the worker", "packages of other sandboxes", "writing outside /tmp",
        "writing kernel settings", "the host's loopback", "the host's abstract sockets", "the host's own addresses", "metadata services",
        "the platform's servers", "any network but loopback", "new user namespaces",
        "forbidden system calls", "sockets of other families", "capabilities", "real root", "descriptors of the worker", "the kernel's /sys", "a writable /tmp",
    ];

    /// <summary>What does not hold, and what to do; null if everything does.</summary>
    public async Task<string?> FindProblemAsync()
    {
        var secret = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var file = Path.Combine(directory.Path, "secret");
        var otherTask = Path.Combine(directory.Slots, "canary", "task");
        using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        // On every address, for the host's own ones are tried too; whatever comes in is closed unread.
        tcp.Bind(new IPEndPoint(IPAddress.Any, 0));
        tcp.Listen();
        using var unix = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        unix.Bind(new UnixDomainSocketEndPoint("\0faascluster-" + secret));
        unix.Listen();
        try
        {
            await File.WriteAllTextAsync(file, secret);
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            InstanceDirectory.MakeReadable(otherTask);
            await File.WriteAllTextAsync(Path.Combine(otherTask, "app.py"), secret);
            var plan = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
            {
                ["secret"] = secret,
                ["file"] = file,
                ["otherTask"] = otherTask,
                ["port"] = ((IPEndPoint)tcp.LocalEndPoint!).Port,
                ["abstract"] = "faascluster-" + secret,
                ["addresses"] = Addresses(tcp),
                ["platform"] = platform.EndPoints.Select(address => new object[] { address.Address.ToString(), address.Port }).ToList(),
            });
            return await RunAsync(plan);
        }
        finally
        {
            File.Delete(file);
            Directory.Delete(Path.GetDirectoryName(otherTask)!, recursive: true);
        }
    }

    private async Task<string?> RunAsync(byte[] plan)
    {
        var log = new CanaryLog();
        var sandbox = await launcher.LaunchAsync(new LaunchRequest
        {
            Command = [options.PythonPath, "-I", "-B", $"{RootTree.RuntimeDirectory}/canary/canary.py"],
            Limits = new CgroupLimits(MemoryBytes, options.ProcessLimit, Cores: null),
            Input = plan,
            ResultLimit = 64 << 10,
            Log = log,
        });
        try
        {
            // With the way out open, as functions have it: what is tried must hold then.
            if (await sandbox.WhenReadyAsync(CancellationToken.None).WaitAsync(options.BootTimeout))
            {
                await networks.OpenAsync(sandbox, NetworkPolicy.Egress, CancellationToken.None);
                await sandbox.Channel.SendGoAsync(CancellationToken.None);
            }

            var exit = await sandbox.Exited.WaitAsync(options.BootTimeout);
            sandbox.Output.End();
            return exit.Status == 0
                ? Judge(sandbox.Output.Result!.Bytes)
                : $"The canary {exit}, so nothing is known of the sandbox: {log.Text} Unprivileged user namespaces must be allowed (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in a container see docs/cluster.md).";
        }
        catch (TimeoutException)
        {
            return $"The canary did not end within {options.BootTimeout.TotalSeconds} s, so nothing is known of the sandbox.";
        }
        finally
        {
            await sandbox.EndAsync();
        }
    }

    // The loopback too, by other ways to write it: whatever a function dials, the host's listener must not hear of it.
    private static List<string> Addresses(Socket listener) =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(network => network.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => address.AddressFamily == listener.AddressFamily)
            .Select(address => address.ToString()),
        "0.0.0.0",
    ];

    private static string? Judge(ReadOnlyMemory<byte> output)
    {
        try
        {
            using var document = JsonDocument.Parse(output);
            var broken = document.RootElement.GetProperty("broken").EnumerateObject().Select(property => $"{property.Name} ({property.Value.GetString()})").ToList();
            if (broken.Count > 0)
            {
                return $"The canary reached what no function may: {string.Join("; ", broken)}.";
            }

            var held = document.RootElement.GetProperty("held").EnumerateArray().Select(name => name.GetString());
            return Expected.Except(held).FirstOrDefault() is { } missing ? $"The canary did not try '{missing}', so nothing is known of it." : null;
        }
        catch (JsonException exception)
        {
            return $"The canary did not answer with JSON: {exception.Message}";
        }
    }

    private sealed class CanaryLog : IExecutionLog
    {
        private readonly StringBuilder text = new();

        public string Text => text.ToString();

        public void Write(string stream, ReadOnlySpan<byte> line)
        {
            if (text.Length < 1000)
            {
                text.Append(Encoding.UTF8.GetString(line)).Append(' ');
            }
        }
    }
}
