using System.Globalization;

namespace FaasCluster.Chaos.Platforms;

/// <summary>A place for one host of the platform: whatever ends there is started again with the same port and settings.</summary>
internal sealed class HostSlot(string project, int number, string work, IReadOnlyDictionary<string, string> settings)
{
    private static int starts;
    private readonly int port = FreePorts.Next();
    private HostProcess? process;
    private string executions = "";

    public string Name => $"{project.ToLowerInvariant()}-{number}";

    public string Project => project;

    public string Url => $"http://127.0.0.1:{port}";

    public HostProcess Process => process!;

    /// <summary>Where the order to crash is laid down; see Messaging/Hosting/CrashPoint.cs.</summary>
    public string CrashFile => Path.Combine(work, $"crash-{Name}");

    /// <summary>How much its present process has executed, as bytes of the file in which it says so.</summary>
    public long Executed => File.Exists(executions) ? new FileInfo(executions).Length : 0;

    public async Task StartAsync(bool ready = true)
    {
        if (process is not null)
        {
            await process.DisposeAsync();
        }

        File.Delete(CrashFile);
        executions = Path.Combine(work, $"executions-{Name}-{Interlocked.Increment(ref starts)}");
        var own = new Dictionary<string, string>(settings)
        {
            ["FAAS_CRASH"] = CrashFile,
            ["FAAS_EXECUTIONS"] = executions,
        };
        process = await HostProcess.StartAsync(project, own, port, FaultyHosts.Dll(project), ready: false, Path.Combine(work, $"{Name}.log"));
        // Whoever cleans up after a killed harness finds it there.
        await File.AppendAllTextAsync(Path.Combine(work, "processes"), string.Create(CultureInfo.InvariantCulture, $"{process.Id}\n"));
        if (ready)
        {
            await process.WhenReadyAsync();
        }
    }
}
