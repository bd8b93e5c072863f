using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace FaasCluster.Processes;

/// <summary>
/// A host beside this one, with an address that is not this host's: a network namespace that a pair of virtual devices joins to it. One
/// socket listens there; what is accepted from it is served by this process. The kernel removes all of it with the last of its sockets.
/// </summary>
public sealed partial class OtherHost : IDisposable
{
    /// <summary>How the names of its devices on this host begin.</summary>
    public const string DevicePrefix = "faas";

    private const int NewNetwork = 0x40000000;

    // Private by the registries (for measurements of network devices, RFC 2544), and nobody's own network.
    private readonly string network = $"198.19.{RandomNumberGenerator.GetInt32(256)}.{RandomNumberGenerator.GetInt32(64) * 4}";

    private OtherHost(int port)
    {
        var start = IPAddress.Parse(network).GetAddressBytes();
        (ThisHost, Address) = (Nth(1), Nth(2));
        Port = port;

        IPAddress Nth(byte number) => new([.. start[..3], (byte)(start[3] + number)]);
    }

    /// <summary>Its address.</summary>
    public IPAddress Address { get; }

    /// <summary>What this host is called over there.</summary>
    public IPAddress ThisHost { get; }

    /// <summary>Where it listens.</summary>
    public int Port { get; }

    /// <summary>The listening socket.</summary>
    public Socket Listener { get; private set; } = null!;

    /// <summary>Makes one; null where that is not possible.</summary>
    /// <param name="port">Where it listens.</param>
    /// <param name="problem">Why it is not.</param>
    public static OtherHost? TryStart(int port, out string? problem)
    {
        problem = Environment.IsPrivilegedProcess ? null : "Another host is made by root alone.";
        if (problem is not null)
        {
            return null;
        }

        var made = new OtherHost(port);
        var device = $"{DevicePrefix}{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}";
        string? failure = null;

        // A thread has a network of its own if it asks for one, and what it makes and starts is in there.
        var thread = new Thread(() => failure = made.Open(device));
        thread.Start();
        thread.Join();
        failure ??= Configure($"addr add {made.ThisHost}/30 dev {device}\nlink set {device} up\n") ?? made.Try();
        if (failure is not null)
        {
            made.Dispose();
            problem = $"Another host cannot be made here: {failure}";
            return null;
        }

        return made;
    }

    public void Dispose() => Listener?.Dispose();

    private string? Open(string device)
    {
        if (Unshare(NewNetwork) < 0)
        {
            return $"unshare: {Marshal.GetLastPInvokeErrorMessage()}";
        }

        var failure = Configure(
            $"link add inside type veth peer name {device} netns {Environment.ProcessId}\naddr add {Address}/30 dev inside\nlink set lo up\nlink set inside up\n");
        if (failure is null)
        {
            // A socket stays in the network of the thread that made it, and keeps that network.
            Listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            Listener.Bind(new IPEndPoint(IPAddress.Any, Port));
            Listener.Listen(512);
        }

        return failure;
    }

    // From here on it answers at once.
    private string? Try()
    {
        try
        {
            using var connection = new TcpClient();
            connection.Connect(Address, Port);
            return null;
        }
        catch (SocketException exception)
        {
            return $"{Address} is not reached: {exception.Message}";
        }
    }

    private static string? Configure(string commands)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("ip", ["-batch", "-"]) { RedirectStandardInput = true, RedirectStandardError = true })!;
            process.StandardInput.Write(commands);
            process.StandardInput.Close();
            var error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? null : $"ip ended with {process.ExitCode}: {error.Trim()}";
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            return $"ip (Debian's iproute2) cannot be started: {exception.Message}";
        }
    }

    [LibraryImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static partial int Unshare(int flags);
}
