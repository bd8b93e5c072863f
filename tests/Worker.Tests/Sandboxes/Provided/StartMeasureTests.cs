using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;
using FaasCluster.Processes;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>
/// Starts of Lambda programs against the same program, with the same environment, and nothing around it: each until it asks for its first event.
/// </summary>
public sealed class StartMeasureTests(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [InlineData("go", 30)]
    [InlineData("aws-lambda-ric", 15)]
    public async Task Times(string program, int rounds)
    {
        await using var pooled = new SandboxFixture();
        await using var unpooled = new WithoutPool();
        await pooled.InitializeAsync();
        await unpooled.InitializeAsync();
        var directory = Directory.CreateDirectory(Path.Combine(pooled.Root, "program")).FullName;
        if (program == "go")
        {
            await GoExample.BuildAsync(directory);
        }
        else
        {
            await NodeClient.MakeFunctionAsync(directory, "exports.handler = async (event) => event;");
        }

        var package = PackageBuilder.FromDirectory(directory);
        var revisions = new[] { pooled, unpooled }.Select(fixture => (fixture, fixture.Deploy(RuntimeIds.Provided, "index.handler", package))).ToList();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        List<double> bare = [];
        List<double>[] starts = [[], []];
        for (var round = -3; round < rounds; round++)
        {
            bare.Add(await BareAsync(directory, listener));
            foreach (var ((fixture, revision), index) in revisions.Select((pair, index) => (pair, index)))
            {
                // The pool fills again in the meantime, which none of the starts should pay for.
                await Task.Delay(200);
                var clock = Stopwatch.GetTimestamp();
                var start = await fixture.Factory.StartAsync(revision, new TestLog(), CancellationToken.None);
                starts[index].Add(Stopwatch.GetElapsedTime(clock).TotalMilliseconds);
                Assert.Null(start.Error);
                await start.Sandbox!.DisposeAsync();
            }

            if (round < 0)
            {
                // Once each to load what is loaded once.
                bare.Clear();
                Array.ForEach(starts, list => list.Clear());
            }
        }

        output.WriteLine(
            $"{program}: from the pool {Show(starts[0])}, without {Show(starts[1])}, bare {Show(bare)} ms; ratios of the medians {Middle(starts[0]) / Middle(bare):0.00}, {Middle(starts[1]) / Middle(bare):0.00}");
    }

    private static async Task<double> BareAsync(string directory, Socket listener)
    {
        var info = new ProcessStartInfo(Path.Combine(directory, "bootstrap")) { WorkingDirectory = directory, RedirectStandardError = true, RedirectStandardOutput = true };

        // Nothing of the caller's: a variable of Node.js's or of OpenSSL's can double its start.
        info.Environment.Clear();
        info.Environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
        info.Environment["AWS_LAMBDA_RUNTIME_API"] = listener.LocalEndPoint!.ToString();
        info.Environment["LAMBDA_TASK_ROOT"] = directory;
        info.Environment["_HANDLER"] = "index.handler";
        info.Environment["AWS_LAMBDA_FUNCTION_NAME"] = "test";
        info.Environment["AWS_LAMBDA_FUNCTION_VERSION"] = "1";
        info.Environment["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = "256";
        info.Environment["LANG"] = "C.UTF-8";
        var clock = Stopwatch.GetTimestamp();
        using var process = Process.Start(info)!;
        using var client = await listener.AcceptAsync();
        var count = await client.ReceiveAsync(new byte[64]);
        var took = Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        Assert.NotEqual(0, count);
        return took;
    }

    private static double Middle(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Show(List<double> values) => $"p10 {values.Order().ElementAt(values.Count / 10):0.0} p50 {Middle(values):0.0} p90 {values.Order().ElementAt(values.Count * 9 / 10):0.0}";

    private sealed class WithoutPool : SandboxFixture
    {
        protected override Dictionary<string, string?> Settings => new() { ["Sandbox:PoolMinimum"] = "0", ["Sandbox:PoolMaximum"] = "0" };
    }
}
