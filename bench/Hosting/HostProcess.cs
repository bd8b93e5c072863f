using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using FaasCluster.Processes;

namespace FaasCluster.Bench.Hosting;

/// <summary>One .NET process of the measurement: gateway, worker or baseline, on a free port of the loopback.</summary>
internal sealed partial class HostProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(30);

    private readonly string name;
    private readonly string logFile;
    private readonly Process process;

    private HostProcess(string name, string dll, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings, string workDirectory)
    {
        this.name = name;
        Url = new Uri($"http://127.0.0.1:{FreePorts.Next()}");
        logFile = Path.Combine(workDirectory, $"{name}.log");

        // The shell gives the output a file, so that nobody has to read it while something is measured, and becomes the process.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = workDirectory };
        foreach (var word in new[] { "-c", "exec \"$@\" >>\"$0\" 2>&1 </dev/null", logFile, "dotnet", dll }.Concat(arguments).Concat(["--urls", Url.ToString()]))
        {
            start.ArgumentList.Add(word);
        }

        foreach (var (key, value) in settings)
        {
            start.Environment[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        process = Process.Start(start)!;

        // Whoever has to clean up after a killed measurement finds them there.
        File.AppendAllText(Path.Combine(workDirectory, "processes"), process.Id.ToString(CultureInfo.InvariantCulture) + "\n");
    }

    public Uri Url { get; }

    public int Id => process.Id;

    /// <summary>Starts one and waits until it is ready.</summary>
    public static async Task<HostProcess> StartAsync(
        string name, string dll, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> settings, string workDirectory, CancellationToken cancellationToken)
    {
        var host = new HostProcess(name, dll, arguments, settings, workDirectory);
        try
        {
            await host.WhenReadyAsync(cancellationToken);
            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>SIGSTOP: it keeps its connections and everything that it has warmed up, and does nothing.</summary>
    public void Suspend() => _ = Signal(process.Id, SigStop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => _ = Signal(process.Id, SigCont);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            Resume();
            _ = Signal(process.Id, SigTerm);
            using var patience = new CancellationTokenSource(EndLimit);
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _ = Signal(process.Id, SigKill);
                await process.WaitForExitAsync(CancellationToken.None);
            }
        }

        process.Dispose();
    }

    /// <summary>Memory of the process, in MB (2^20 bytes).</summary>
    public double ResidentMegabytes()
    {
        process.Refresh();
        return process.WorkingSet64 / 1048576.0;
    }

    /// <summary>What it said last.</summary>
    public string LastWords() => File.Exists(logFile) ? string.Join('\n', File.ReadLines(logFile).TakeLast(40)) : "";

    private async Task WhenReadyAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (process.HasExited)
            {
                throw new BenchFailedException($"{name} ended with status {process.ExitCode} while it started:\n{LastWords()}");
            }

            if (clock.Elapsed > ReadyLimit)
            {
                throw new BenchFailedException($"{name} was not ready within {ReadyLimit.TotalSeconds:0} s:\n{LastWords()}");
            }

            try
            {
                using var answer = await http.GetAsync(new Uri(Url, "/readyz"), cancellationToken);
                if (answer.StatusCode == HttpStatusCode.OK)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            await Task.Delay(50, cancellationToken);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
