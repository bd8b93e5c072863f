using System.Net;
using System.Text.Json;
using FaasCluster.Worker.Sandboxes.Network;

namespace FaasCluster.Worker.Tests.Sandboxes.Network;

/// <summary>Names, as functions look them up.</summary>
[Collection(nameof(NetworkFixture))]
public sealed class NameTests(NetworkFixture fixture)
{
    // A question by hand, because Python's library knows only of addresses.
    private const string Ask = """
        import random, socket, struct
        def ask(name, type, kind=socket.SOCK_DGRAM):
            id = random.randrange(65536)
            query = struct.pack('>HHHHHH', id, 0x100, 1, 0, 0, 0) + b''.join(bytes([len(part)]) + part.encode() for part in name.split('.')) + b'\0' + struct.pack('>HH', type, 1)
            with socket.socket(socket.AF_INET, kind) as server:
                server.settimeout(60)
                server.connect(('127.0.0.1', 53))
                if kind == socket.SOCK_DGRAM:
                    server.send(query)
                    answer = server.recv(65535)
                else:
                    server.sendall(struct.pack('>H', len(query)) + query)
                    file = server.makefile('rb')
                    answer = file.read(struct.unpack('>H', file.read(2))[0])
            flags, _, count = struct.unpack('>HHH', answer[2:8])
            assert answer[:2] == query[:2] and flags & 0x8000
            return {'code': flags & 15, 'cut': bool(flags & 0x200), 'count': count, 'size': len(answer)}
        """;

    [Fact]
    public async Task Name_IsLookedUpByTheNameServersOfTheHost()
    {
        fixture.Names.SetAddress("host.example", IPAddress.Parse("203.0.113.9"));

        var outcome = await fixture.RunAsync(fixture.Python("import socket\ndef handler(e, c): return sorted({entry[4][0] for entry in socket.getaddrinfo('host.example', 80)})"));

        Assert.Equal("""["203.0.113.9"]""", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Name_ThatDoesNotExist_IsSaidNotToExist()
    {
        var outcome = await fixture.RunAsync(fixture.Python("import socket\ndef handler(e, c):\n    try: return socket.gethostbyname('missing.example')\n    except socket.gaierror as error: return error.errno"));

        Assert.Equal("-2", SandboxFixture.Text(outcome));
    }

    [Fact]
    public async Task Record_OfAnyType_IsPassedOn()
    {
        fixture.Names.SetText("text.example", "one", "two");

        Assert.Equal((0, 2), Read(await AskAsync("ask('text.example', 16)")));
    }

    [Fact]
    public async Task Answer_ThatNoDatagramHolds_ComesByAStream()
    {
        fixture.Names.SetText("long.example", [.. Enumerable.Range(0, 20).Select(i => new string('x', 200))]);

        var answers = JsonSerializer.Deserialize<JsonElement[]>(await AskAsync("[ask('long.example', 16), ask('long.example', 16, socket.SOCK_STREAM)]"))!;

        Assert.True(answers[0].GetProperty("cut").GetBoolean());
        Assert.Equal(20, answers[1].GetProperty("count").GetInt32());
        Assert.True(answers[1].GetProperty("size").GetInt32() > 4000);
    }

    [Fact]
    public async Task Localhost_IsNotAskedOfTheHost()
    {
        Assert.Equal((3, 0), Read(await AskAsync("ask('any.localhost', 1)")));
        Assert.DoesNotContain(fixture.Names.Questions, question => question.Name.EndsWith("localhost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Questions_ThatAreNone_AreNotAnswered()
    {
        var outcome = await fixture.RunAsync(fixture.Python("""
            import os, socket
            def handler(e, c):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
                    server.settimeout(0.5)
                    server.connect(('127.0.0.1', 53))
                    for junk in (b'', b'x', os.urandom(11), b'\0' * 12, b'\0\0\1\0\0\1' + b'\0' * 6 + b'\xc0\x0c\0\1\0\1', os.urandom(4000)): server.send(junk)
                    try: return repr(server.recv(100))
                    except TimeoutError: pass
                return socket.gethostbyname('localhost')
            """));

        Assert.Equal("\"127.0.0.1\"", SandboxFixture.Text(outcome));
    }

    [Theory]
    [InlineData("", "127.0.0.1:53")]
    [InlineData("# nothing\nsearch a b\n", "127.0.0.1:53")]
    [InlineData("nameserver 10.0.0.2\nnameserver\tfd00::2\noptions edns0\n", "10.0.0.2:53 [fd00::2]:53")]
    [InlineData("nameserver 1.1.1.1\nnameserver x\nnameserver 1.1.1.2\nnameserver 1.1.1.3\nnameserver 1.1.1.4", "1.1.1.1:53 1.1.1.2:53 1.1.1.3:53")]
    public void Servers_InTheHostsSettings_AreRead(string text, string expected) => Assert.Equal(expected, string.Join(' ', HostResolver.Read(text)));

    private async Task<string> AskAsync(string call) => SandboxFixture.Text(await fixture.RunAsync(fixture.Python($"{Ask}\ndef handler(e, c): return {call}")));

    private static (int Code, int Count) Read(string answer)
    {
        var read = JsonSerializer.Deserialize<JsonElement>(answer);
        return (read.GetProperty("code").GetInt32(), read.GetProperty("count").GetInt32());
    }
}
