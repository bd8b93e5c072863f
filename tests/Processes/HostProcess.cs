using System.Diagnostics;
using System.Net;
using System.Runtime.InteropServices;
using System.Text;

namespace FaasCluster.Processes;

/// <summary>One process of the product: gateway, worker or standalone, on a free port of the loopback.</summary>
public sealed partial class HostProcess : IAsyncDisposable
{
    private const int SigKill = 9;
    private const int SigTerm = 15;
    private const int SigCont = 18;
    private const int SigStop = 19;

    // A machine that builds at the same time starts a host in a minute.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);

    private readonly StringBuilder output = new();
    private readonly StreamWriter? logFile;
    private readonly Process process;

    private HostProcess(string project, string dll, int port, IReadOnlyDictionary<string, string> settings, string? logPath)
    {
        Project = project;
        logFile = logPath is null ? null : new StreamWriter(logPath, append: true) { AutoFlush = true };
        Url = $"http://127.0.0.1:{port}";
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath() };
        start.ArgumentList.Add(dll);
        start.ArgumentList.Add("--urls");
        start.ArgumentList.Add(Url);
        start.Environment["DOTNET_gcServer"] = "0";
        foreach (var (name, value) in settings)
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Project { get; }

    public string Url { get; }

    public int Id => process.Id;

    /// <summary>Its memory that is in RAM now.</summary>
    public long ResidentBytes()
    {
        process.Refresh();
        return process.WorkingSet64;
    }

    public bool HasExited => process.HasExited;

    public int ExitCode => process.ExitCode;

    /// <summary>What it printed; empty if that goes to a file.</summary>
    public string Output
    {
        get
        {
            lock (output)
            {
                return output.ToString();
            }
        }
    }

    /// <summary>Starts a host and waits until it is ready.</summary>
    /// <param name="project">Gateway, Worker or Standalone.</param>
    /// <param name="settings">Its settings, as "Section:Key".</param>
    /// <param name="port">Where it listens; default a free one.</param>
    /// <param name="dll">Its assembly; default the build under test.</param>
    /// <param name="ready">Whether to wait.</param>
    /// <param name="logPath">A file to which its output is appended; default <see cref="Output"/>.</param>
    public static async Task<HostProcess> StartAsync(
        string project, IReadOnlyDictionary<string, string> settings, int? port = null, string? dll = null, bool ready = true, string? logPath = null)
    {
        var host = new HostProcess(project, dll ?? Repository.Dll(project), port ?? FreePorts.Next(), settings, logPath);
        try
        {
            if (ready)
            {
                await host.WhenReadyAsync();
            }

            return host;
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    public async Task WhenReadyAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var said = "it does not answer";
        await Until.TrueAsync(ReadyAsync, $"{Project} ready", StartLimit, () => $"{said}\n{Output}");

        async Task<bool> ReadyAsync()
        {
            Assert.False(process.HasExited, $"{Project} ended with status {(process.HasExited ? process.ExitCode : 0)}:\n{Output}");
            try
            {
                using var answer = await http.GetAsync($"{Url}/readyz");
                said = await answer.Content.ReadAsStringAsync();
                return answer.StatusCode == HttpStatusCode.OK;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                return false;
            }
        }
    }

    /// <summary>Returns when it ended by itself and everything it printed was read.</summary>
    public Task WhenEndedAsync() => process.WaitForExitAsync().WaitAsync(Until.HangLimit);

    /// <summary>kill -9: no goodbye of any kind.</summary>
    public async Task KillAsync()
    {
        _ = Signal(process.Id, SigKill);
        await process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: it keeps its connections and does nothing.</summary>
    public void Suspend() => _ = Signal(process.Id, SigStop);

    /// <summary>SIGCONT.</summary>
    public void Resume() => _ = Signal(process.Id, SigCont);

    /// <summary>SIGTERM, and wait for the end.</summary>
    public async Task<int> StopAsync()
    {
        _ = Signal(process.Id, SigTerm);
        await process.WaitForExitAsync().WaitAsync(Until.HangLimit);
        return process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            Resume();
            _ = Signal(process.Id, SigTerm);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            try
            {
                await process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                await KillAsync();
            }
        }

        process.Dispose();
        lock (output)
        {
            logFile?.Dispose();
        }
    }

    private void Append(string? line)
    {
        lock (output)
        {
            if (logFile is null)
            {
                output.AppendLine(line);
            }
            else if (line is not null && logFile.BaseStream is not null)
            {
                logFile.WriteLine(line);
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Signal(int process, int signal);
}
