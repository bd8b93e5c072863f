namespace FaasCluster.Bench.Scenarios;

/// <summary>What is deployed.</summary>
internal static class Functions
{
    /// <summary>The event of every call, and the body of every raw message.</summary>
    public static ReadOnlySpan<byte> Event => "{\"name\":\"Ada\"}"u8;

    /// <summary>Does nothing but number its executions, so that lost and doubled ones show.</summary>
    public const string CountingPython =
        """
        import os

        sandbox = os.urandom(8).hex()
        count = 0


        def handler(event, context):
            global count
            count += 1
            return {"s": sandbox, "n": count}

        """;

    public const string NothingPython = "def handler(event, context):\n    return None\n";

    public const string NothingNode = "exports.handler = async () => null;\n";

    /// <summary>A Lambda program that starts fast and needs nothing that a Debian could be without; it ends with its connection.</summary>
    public const string NothingProvided =
        """
        #!/usr/bin/perl
        my ($host, $port) = split /:/, $ENV{AWS_LAMBDA_RUNTIME_API};
        my $path = '/2018-06-01/runtime/invocation';
        my $api;
        socket($api, 2, 1, 0) && connect($api, pack('S n C4 x8', 2, $port, split(/\./, $host))) or exit 1;

        sub ask {
          my ($head, $body) = ('', '');
          syswrite $api, $_[0];
          until ($head =~ /\r\n\r\n/) { sysread($api, $head, 65536, length $head) or exit 0 }
          ($head, $body) = split /\r\n\r\n/, $head, 2;
          my ($length) = $head =~ /^content-length: (\d+)/mi;
          while (length $body < $length) { sysread($api, $body, 65536, length $body) or exit 0 }
          return $head;
        }

        while (1) {
          my ($id) = ask("GET $path/next HTTP/1.1\r\nHost: lambda\r\n\r\n") =~ /^lambda-runtime-aws-request-id: (\S+)/mi;
          ask("POST $path/$id/response HTTP/1.1\r\nHost: lambda\r\nContent-Length: 4\r\n\r\nnull");
        }

        """;

    public static string Manifest(string name, string runtime, string handler) =>
        $"{{name: {name}, runtime: {runtime}, handler: {handler}}}";
}
