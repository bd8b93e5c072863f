using System.Diagnostics;
using System.Text;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary><c>./run</c> as a user starts it, in a directory of its own that looks like the checkout.</summary>
internal sealed class RunScript : IAsyncDisposable
{
    // The first start may build; a cluster starts three servers.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(10);

    private readonly StringBuilder _output = new();
    private readonly Process _process;

    private RunScript(Workplace place, int port, string arguments)
    {
        Url = $"http://127.0.0.1:{port}";
        _process = place.Start($"exec ./run {arguments} --port {port}");
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Url { get; }

    public int Id => _process.Id;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    /// <summary>Starts it and waits for the end of its banner.</summary>
    public static async Task<RunScript> StartAsync(Workplace place, string arguments, int? port = null)
    {
        var run = new RunScript(place, port ?? FreePorts.Next(), arguments);
        try
        {
            await Until.TrueAsync(
                () =>
                {
                    Assert.False(run._process.HasExited, $"./run {arguments} ended:\n{run.Output}");
                    return run.Output.Contains("Ready in", StringComparison.Ordinal);
                },
                $"./run {arguments} ready",
                StartLimit,
                () => run.Output);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ctrl+C or SIGTERM.</summary>
    /// <returns>The exit status.</returns>
    public async Task<int> StopAsync(string signal = "INT")
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await StopAsync("TERM");
        }

        // Shown if the test failed.
        TestContext.Current.TestOutputHelper?.WriteLine($"--- ./run\n{Output}");
        _process.Dispose();
    }

    private void Append(string? line)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }
    }
}
