using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>What functions with egress can do on the network.</summary>
[Collection(nameof(NetworkFixture))]
public sealed class EgressTests
{
    private readonly NetworkFixture fixture;

    public EgressTests(NetworkFixture fixture)
    {
        NetworkFixture.SkipWithoutHostAddress();
        this.fixture = fixture;
    }

    [Fact]
    public async Task Python_ToAnHttpServer_GetsItsAnswer()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress);
        using var open = fixture.Policy.Open(server.EndPoint);

        var outcome = await fixture.RunAsync(fixture.Python($"import urllib.request\ndef handler(e, c): return urllib.request.urlopen('http://{server.EndPoint}/x', timeout=60).read().decode()"));

        Assert.Equal("\"reached\"", SandboxFixture.Text(outcome));
        Assert.StartsWith("GET /x ", Assert.Single(server.Requests));
    }

    [Fact]
    public async Task NodeJs_ToAnHttpServerByName_GetsItsAnswer()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress);
        using var open = fixture.Policy.Open(server.EndPoint);
        fixture.Names.SetAddress("node.example", NetworkFixture.HostAddress);

        var outcome = await fixture.RunAsync(fixture.Node($"exports.handler = async () => (await fetch('http://node.example:{server.Port}/')).text()"));

        Assert.Equal("\"reached\"", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Executable_ToAnHttpServer_GetsItsAnswer()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress);
        using var open = fixture.Policy.Open(server.EndPoint);
        var package = PackageBuilder.FromFile("main.py", System.Text.Encoding.UTF8.GetBytes($"#!/usr/bin/python3\nimport urllib.request\nprint(urllib.request.urlopen('http://{server.EndPoint}/', timeout=60).read().decode())"), executable: true);

        var outcome = await fixture.RunAsync(fixture.Deploy(RuntimeIds.Executable, "main.py", package));

        Assert.Equal("reached\n", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Connections_TwoHundredAtOnce_AllGetTheirAnswer()
    {
        // Answers nobody before all are there.
        var all = new TaskCompletionSource();
        var waiting = 0;
        TestServer server = null!;
        server = new TestServer(NetworkFixture.HostAddress, async socket =>
        {
            if (Interlocked.Increment(ref waiting) == 200)
            {
                all.SetResult();
            }

            await all.Task;
            await server.AnswerAsync(socket, "HTTP/1.0 200 OK\r\n\r\nok");
        });
        await using var ending = server;
        using var open = fixture.Policy.Open(server.EndPoint);

        // With CPU, which goes with memory: two hundred threads of Python are a lot of it.
        var revision = fixture.Python(
            $$"""
            import urllib.request, concurrent.futures
            def get(i): return urllib.request.urlopen('http://{{server.EndPoint}}/%d' % i, timeout=80).read().decode()
            def handler(e, c):
                with concurrent.futures.ThreadPoolExecutor(200) as threads:
                    return sum(answer == 'ok' for answer in threads.map(get, range(200)))
            """,
            manifest => manifest with { MemoryBytes = 1769L << 20, Timeout = TimeSpan.FromSeconds(90) });

        Assert.Equal("200", SandboxFixture.Text(await fixture.RunAsync(revision)));
    }

    [Fact]
    public async Task Connections_MoreThanASandboxMayHave_AreRefusedAndSaidSo()
    {
        // Says something to each, so that each has come all the way before there is the next.
        await using var server = new TestServer(NetworkFixture.HostAddress, async socket =>
        {
            await socket.SendAsync("x"u8.ToArray());
            await socket.ReceiveAsync(new byte[1]);
        });
        using var open = fixture.Policy.Open(server.EndPoint);
        var log = new TestLog();

        var outcome = await fixture.RunAsync(
            fixture.Python($$"""
                import socket
                def handler(e, c):
                    def connect(): return socket.create_connection(('{{server.EndPoint.Address}}', {{server.Port}}), 60)
                    clients = []
                    for i in range({{NetworkFixture.MostConnections}}):
                        clients.append(connect())
                        assert clients[-1].recv(1) == b'x'
                    refused = 0
                    for i in range(20):
                        try: connect().recv(1)
                        except ConnectionResetError: refused += 1
                    return refused
                """),
            log: log);

        Assert.Equal("20", SandboxFixture.Text(outcome));
        Assert.Contains("Sandbox:ConnectionsPerSandbox", log.Text);
        Assert.Equal(NetworkFixture.MostConnections, server.Accepted);
    }

    [Fact]
    public async Task Transfer_OfManyBytesBothWays_KeepsThem()
    {
        const int Size = 48 << 20;
        var sent = RandomNumberGenerator.GetBytes(1 << 20);
        string? received = null;
        await using var server = new TestServer(NetworkFixture.HostAddress, async socket =>
        {
            await using var stream = new NetworkStream(socket);
            var sending = Task.Run(async () =>
            {
                for (var i = 0; i < Size / sent.Length; i++)
                {
                    await stream.WriteAsync(sent);
                }

                socket.Shutdown(SocketShutdown.Send);
            });
            received = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream));
            await sending;
        });
        using var open = fixture.Policy.Open(server.EndPoint);

        var outcome = await fixture.RunAsync(fixture.Python($$"""
            import socket, hashlib, os, threading
            def handler(e, c):
                mine, theirs, block = hashlib.sha256(), hashlib.sha256(), os.urandom(1 << 20)
                with socket.create_connection(('{{server.EndPoint.Address}}', {{server.Port}}), 100) as client:
                    def send():
                        for _ in range({{Size >> 20}}):
                            client.sendall(block)
                            mine.update(block)
                        client.shutdown(socket.SHUT_WR)
                    thread = threading.Thread(target=send)
                    thread.start()
                    while data := client.recv(1 << 16): theirs.update(data)
                    thread.join()
                return [mine.hexdigest(), theirs.hexdigest()]
            """, manifest => manifest with { MemoryBytes = 1769L << 20 }));

        var hashes = JsonSerializer.Deserialize<string[]>(SandboxFixture.Text(outcome))!;
        using var expected = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (var i = 0; i < Size / sent.Length; i++)
        {
            expected.AppendData(sent);
        }

        await Wait.UntilAsync(() => received is not null, () => "The server has not got everything.");
        Assert.Equal(received, hashes[0]);
        Assert.Equal(Convert.ToHexStringLower(expected.GetHashAndReset()), hashes[1]);
    }

    [Fact]
    public async Task Program_ThatSendsAndEndsAtOnce_HasSentAll()
    {
        const int Size = 4 << 20;
        var received = new TaskCompletionSource<long>();
        await using var server = new TestServer(NetworkFixture.HostAddress, async socket =>
        {
            var (buffer, total) = (new byte[1 << 16], 0L);
            while (await socket.ReceiveAsync(buffer) is > 0 and var count)
            {
                total += count;
            }

            received.SetResult(total);
        });
        using var open = fixture.Policy.Open(server.EndPoint);

        await fixture.RunAsync(fixture.Shell($"#!/bin/bash\nhead -c {Size} /dev/zero >/dev/tcp/{server.EndPoint.Address}/{server.Port}"));

        Assert.Equal(Size, await received.Task.WaitAsync(TimeSpan.FromMinutes(1)));
    }

    [Fact]
    public async Task HalfClose_OfTheFunction_LeavesTheAnswerOpen()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress, async socket =>
        {
            var buffer = new byte[100];
            var total = 0;
            while (await socket.ReceiveAsync(buffer) is > 0 and var count)
            {
                total += count;
            }

            // Only after the end of what it was sent.
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes($"{total} bytes and the end"));
        });
        using var open = fixture.Policy.Open(server.EndPoint);

        var outcome = await fixture.RunAsync(fixture.Python($$"""
            import socket
            def handler(e, c):
                with socket.create_connection(('{{server.EndPoint.Address}}', {{server.Port}}), 60) as client:
                    client.sendall(b'abc')
                    client.shutdown(socket.SHUT_WR)
                    return client.makefile().read()
            """));

        Assert.Equal("\"3 bytes and the end\"", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Reset_ByTheServer_IsAResetForTheFunction()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress, async socket =>
        {
            await socket.ReceiveAsync(new byte[1]);
            socket.LingerState = new LingerOption(true, 0);
        });
        using var open = fixture.Policy.Open(server.EndPoint);

        var outcome = await fixture.RunAsync(fixture.Python($$"""
            import socket
            def handler(e, c):
                with socket.create_connection(('{{server.EndPoint.Address}}', {{server.Port}}), 60) as client:
                    client.sendall(b'x')
                    try: return repr(client.recv(1))
                    except OSError as error: return type(error).__name__
            """));

        Assert.Equal("\"ConnectionResetError\"", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Connect_ToAPortWhereNobodyListens_FailsAtOnceAndSaysWhy()
    {
        // Taken, so that nobody else begins to listen there.
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(NetworkFixture.HostAddress, 0));
        var endPoint = (IPEndPoint)taken.LocalEndPoint!;
        using var open = fixture.Policy.Open(endPoint);
        var (address, port) = (endPoint.Address, endPoint.Port);
        var log = new TestLog();

        var outcome = await fixture.RunAsync(fixture.Python($"import urllib.request\ndef handler(e, c): return urllib.request.urlopen('http://{address}:{port}/', timeout=60).read().decode()"), log: log);

        Assert.Contains("reset", SandboxFixture.Error(outcome, Contracts.Invocations.ErrorCode.FunctionError).Message);
        Assert.Contains($"platform: connection to {address}:{port} failed: Connection refused", log.Text);
    }

    [Fact]
    public async Task Sandbox_WhenItEnds_ClosesItsConnectionsOnTheHost()
    {
        var closed = new TaskCompletionSource();
        await using var server = new TestServer(NetworkFixture.HostAddress, async socket =>
        {
            try
            {
                await socket.SendAsync("x"u8.ToArray());
                Assert.Equal(0, await socket.ReceiveAsync(new byte[1]));
            }
            catch (SocketException)
            {
                // Reset.
            }

            closed.SetResult();
        });
        using var open = fixture.Policy.Open(server.EndPoint);
        var revision = fixture.Python($$"""
            import socket
            kept = []
            def handler(e, c):
                kept.append(socket.create_connection(('{{server.EndPoint.Address}}', {{server.Port}}), 60))
                return kept[0].recv(1).decode()
            """);
        var sandbox = await fixture.StartAsync(revision);
        Assert.Equal("\"x\"", SandboxFixture.Text(await sandbox.InvokeAsync(SandboxFixture.Message(revision), new TestLog(), CancellationToken.None)));
        Assert.False(closed.Task.IsCompleted);

        await sandbox.DisposeAsync();

        await closed.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public Task Sandboxes_ManyOneAfterTheOther_LeaveNoDescriptor() => HelperTests.RunAloneAsync(typeof(EgressTests), nameof(Descriptors_OfSandboxesThatEnded_AreClosed));

    [Fact(Explicit = true)]
    public async Task Descriptors_OfSandboxesThatEnded_AreClosed()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress);
        using var open = fixture.Policy.Open(server.EndPoint);
        var revision = fixture.Python($"import urllib.request\ndef handler(e, c): return urllib.request.urlopen('http://{server.EndPoint}/', timeout=60).read().decode()");
        await fixture.RunAsync(revision);
        await Wait.UntilAsync(() => fixture.Host.Pools.Ready >= 2);
        var before = Directory.GetFileSystemEntries("/proc/self/fd").Length;
        const int Times = 12;
        for (var i = 0; i < Times; i++)
        {
            Assert.Equal("\"reached\"", SandboxFixture.Text(await fixture.RunAsync(revision)));
        }

        // Each has five listeners and a connection of two ends; the pool may hold a few more than before.
        await Wait.UntilAsync(() => Directory.GetFileSystemEntries("/proc/self/fd").Length < before + (Times * 5), () => $"{before} before, {Directory.GetFileSystemEntries("/proc/self/fd").Length} after");
        await Wait.UntilAsync(() => Leftovers.Of(fixture).Count == 0, () => string.Join('\n', Leftovers.Of(fixture)));
    }

    [Fact]
    public async Task Network_None_HasNoRouteAtAll()
    {
        await using var server = new TestServer(NetworkFixture.HostAddress);
        using var open = fixture.Policy.Open(server.EndPoint);
        fixture.Names.SetAddress("none.example", NetworkFixture.HostAddress);

        var outcome = await fixture.RunAsync(fixture.Python(
            $$"""
            import socket
            def attempt(call):
                try: return repr(call())
                except OSError as error: return type(error).__name__ + ' ' + str(error.errno)
            def handler(e, c):
                return [attempt(lambda: socket.create_connection(('{{server.EndPoint.Address}}', {{server.Port}}), 60)),
                    attempt(lambda: socket.gethostbyname('none.example'))]
            """,
            manifest => manifest with { Network = NetworkPolicy.None }));

        Assert.Equal(["OSError 101", "gaierror -3"], JsonSerializer.Deserialize<string[]>(SandboxFixture.Text(outcome))!);
        Assert.Equal(0, server.Accepted);
        Assert.DoesNotContain(fixture.Names.Questions, question => question.Name == "none.example");
    }
}

[CollectionDefinition(nameof(NetworkFixture))]
public sealed class NetworkCollection : ICollectionFixture<NetworkFixture>;
