using System.Net;
using System.Net.Sockets;
using System.Text;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Frames;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>Sockets inside a sandbox that the worker holds.</summary>
public sealed class ListenTests(ListenTests.Fixture fixture) : IClassFixture<ListenTests.Fixture>
{
    // Says that it is ready, waits to be told that the listener is there, and prints what it is sent.
    private const string Client = """
        import os, socket, sys
        os.write(3, b"\0\0\0\4\1\0\0\0\0")
        while os.read(3, 1):
            with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 60) as client:
                client.sendall(b"from inside")
                print(client.recv(100).decode(), flush=True)
        """;

    [Theory]
    [InlineData(80)]
    [InlineData(9001)]
    public async Task Listen_InASandbox_IsReachedFromInsideAlone(int port)
    {
        var log = new TestLog();
        await using var sandbox = await StartAsync(log, port);
        using var listener = await fixture.Host.Networks.ListenAsync(sandbox, port, CancellationToken.None);
        await sandbox.Channel.SendGoAsync(CancellationToken.None);
        using var accepted = await listener.AcceptAsync().WaitAsync(TimeSpan.FromMinutes(1));
        var buffer = new byte[100];
        var count = await accepted.ReceiveAsync(buffer);
        await accepted.SendAsync("from outside"u8.ToArray());

        Assert.Equal("from inside", Encoding.ASCII.GetString(buffer, 0, count));
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, port), listener.LocalEndPoint);
        await Wait.UntilAsync(() => log.Text.Contains("from outside"), () => log.Text);
        using var host = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var refused = await Assert.ThrowsAsync<SocketException>(() => host.ConnectAsync(IPAddress.Loopback, port));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    [Fact]
    public async Task Listen_OnOnePortInTwoSandboxes_GivesEachItsOwn()
    {
        var (log, otherLog) = (new TestLog(), new TestLog());
        await using var sandbox = await StartAsync(log);
        await using var other = await StartAsync(otherLog);
        var listeners = await Task.WhenAll(
            fixture.Host.Networks.ListenAsync(sandbox, 9001, CancellationToken.None), fixture.Host.Networks.ListenAsync(other, 9001, CancellationToken.None));
        using var first = listeners[0];
        using var second = listeners[1];
        await other.Channel.SendGoAsync(CancellationToken.None);

        using var accepted = await second.AcceptAsync().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(first.Poll(0, SelectMode.SelectRead));
    }

    [Fact]
    public async Task Listen_InASandboxThatHasEnded_SaysSo()
    {
        var sandbox = await StartAsync(new TestLog());
        await sandbox.EndAsync();

        var exception = await Assert.ThrowsAsync<IOException>(() => fixture.Host.Networks.ListenAsync(sandbox, 9001, CancellationToken.None));
        Assert.Contains("no process", exception.Message);
    }

    [Fact]
    public async Task Listen_OnAPortThatIsTaken_SaysSo()
    {
        await using var sandbox = await StartAsync(new TestLog());
        using var listener = await fixture.Host.Networks.ListenAsync(sandbox, 9001, CancellationToken.None);

        var exception = await Assert.ThrowsAsync<IOException>(() => fixture.Host.Networks.ListenAsync(sandbox, 9001, CancellationToken.None));
        Assert.Contains("in use", exception.Message);
    }

    [Fact]
    public async Task Helper_WhenItWasKilled_IsStartedAgain()
    {
        await using var sandbox = await StartAsync(new TestLog());
        var helper = fixture.Host.Networks.HelperProcessId;
        Assert.NotEqual(0, helper);
        Assert.Equal(0, Libc.kill(helper, Libc.SIGKILL));
        await Wait.UntilAsync(() => fixture.Host.Networks.HelperProcessId != helper);

        using var listener = await fixture.Host.Networks.ListenAsync(sandbox, 9001, CancellationToken.None);
        Assert.NotEqual(0, fixture.Host.Networks.HelperProcessId);
    }

    [Fact]
    public async Task Helper_HasNothingOfTheWorkers()
    {
        await using var sandbox = await StartAsync(new TestLog());
        using var listener = await fixture.Host.Networks.ListenAsync(sandbox, 9001, CancellationToken.None);
        var directory = $"/proc/{fixture.Host.Networks.HelperProcessId}";

        Assert.Empty(await File.ReadAllBytesAsync($"{directory}/environ"));

        // Beside what it has in its hands for a sandbox of the pool that boots meanwhile.
        await Wait.UntilAsync(() => Descriptors() == "0 1 2", Descriptors);

        string Descriptors() => string.Join(' ', Directory.GetFileSystemEntries($"{directory}/fd").Select(Path.GetFileName).Order());
    }

    [Fact]
    public Task Listen_ManyTimes_LeavesNoDescriptor() => HelperTests.RunAloneAsync(typeof(ListenTests), nameof(Descriptors_OfListenersThatWereClosed_AreClosed));

    [Fact(Explicit = true)]
    public async Task Descriptors_OfListenersThatWereClosed_AreClosed()
    {
        await using var sandbox = await StartAsync(new TestLog());
        await ListenAndCloseAsync(sandbox, 1);
        var before = Descriptors();
        await ListenAndCloseAsync(sandbox, 50);

        // What is booted or loaded meanwhile has its own, hence fifty and not one.
        await Wait.UntilAsync(() => Descriptors() <= before + 25, () => $"{Descriptors()} descriptors, {before} before");

        static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;
    }

    private async Task ListenAndCloseAsync(SandboxProcess sandbox, int times)
    {
        for (var i = 0; i < times; i++)
        {
            using var listener = await fixture.Host.Networks.ListenAsync(sandbox, 9001, CancellationToken.None);
        }
    }

    private async Task<SandboxProcess> StartAsync(TestLog log, int port = 9001)
    {
        var sandbox = await fixture.Host.Launcher.LaunchAsync(new LaunchRequest
        {
            Command = ["/usr/bin/python3", "-I", "-c", Client, $"{port}"],
            Limits = new CgroupLimits(256 << 20, 64, Cores: null),
            Log = log,
        });
        var frame = await sandbox.Channel.ReceiveAsync(0, CancellationToken.None).AsTask().WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(FrameType.Ready, frame.Type);
        return sandbox;
    }

    public sealed class Fixture : SandboxFixture;
}
