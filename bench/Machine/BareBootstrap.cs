using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FaasCluster.Bench.Scenarios;

namespace FaasCluster.Bench.Machine;

/// <summary>
/// Starts a Lambda program with nothing around it, until it asks for its first event: what the cold start of a function of the runtime
/// "provided" is measured against. The socket that it asks is one of this process.
/// </summary>
internal sealed class BareBootstrap : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly string directory = Directory.CreateTempSubdirectory("faas-bench-bootstrap-").FullName;
    private readonly byte[] buffer = new byte[4096];

    public BareBootstrap()
    {
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var program = Path.Combine(directory, "bootstrap");
        File.WriteAllText(program, Functions.NothingProvided);

        // Not the file itself: a process that another thread is just starting may have it open still, and then it is "busy".
        Command = ["/usr/bin/perl", program];
    }

    private string[] Command { get; }

    /// <summary>How long the program took to ask, in ticks of <see cref="Stopwatch"/>. Its answer is that the connection ends, and it with it.</summary>
    public long Run()
    {
        var asked = 0L;
        var started = Stopwatch.GetTimestamp();
        _ = BareProcess.Run(Command, [$"AWS_LAMBDA_RUNTIME_API={listener.LocalEndPoint}"], () =>
        {
            if (!listener.Poll(Patience, SelectMode.SelectRead))
            {
                throw new BenchFailedException($"'{Command[0]}' did not ask for an event within {Patience.TotalSeconds} s.");
            }

            using var connection = listener.Accept();
            if (connection.Receive(buffer) == 0)
            {
                throw new BenchFailedException($"'{Command[0]}' connected and asked nothing.");
            }

            asked = Stopwatch.GetTimestamp() - started;
        });
        return asked;
    }

    public void Dispose()
    {
        listener.Dispose();
        Directory.Delete(directory, recursive: true);
    }
}
