using System.Diagnostics;
using FaasCluster.Processes;

namespace FaasCluster.Testing;

/// <summary>A broker that a test may kill: started by the script in a temporary directory, removed with it.</summary>
public sealed class PrivateBroker : IAsyncDisposable
{
    private readonly string _directory;
    private readonly int _port;
    private readonly PrivateBroker? _first;

    private PrivateBroker(string directory, int port, PrivateBroker? first)
    {
        _directory = directory;
        _port = port;
        _first = first;
    }

    /// <summary>The AMQP URI of its root virtual host; the same after a restart.</summary>
    public string Uri { get; private set; } = "";

    /// <summary>Starts one on a free port. Skips the test where the test servers are not used at all.</summary>
    /// <param name="first">The broker whose further node it is; default one of its own.</param>
    public static async Task<PrivateBroker> StartAsync(PrivateBroker? first = null)
    {
        _ = TestServers.RabbitMq;
        var directory = Directory.CreateTempSubdirectory("faas-broker-");
        if (!OperatingSystem.IsWindows())
        {
            // The broker's user has to pass through.
            directory.UnixFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        }

        var broker = new PrivateBroker(Path.Combine(directory.FullName, "broker"), FreePorts.Next(), first);
        try
        {
            await broker.RestartAsync();
            return broker;
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Kills it as a crash would; returns when the process is gone.</summary>
    public async Task KillAsync()
    {
        // RabbitMQ 3.10 notes a new quorum queue in its directory up to half a second after it confirmed the declaration
        // (dets, auto_save). A crash within that time loses the queue whatever the client does, so it is not what tests are about.
        await EvaluateAsync("[dets:sync(Table) || Table <- dets:all()].");
        var id = int.Parse(await BrokerScript.RunAsync("pid", _directory));
        using var process = Process.GetProcessById(id);
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Starts it again after <see cref="KillAsync"/>.</summary>
    public async Task RestartAsync() => Uri = (await BrokerScript.RunAsync(["start", _directory, $"{_port}", .. _first is null ? [] : new[] { _first._directory }])).Split('\n')[^1];

    /// <summary>Stops it as an operator would.</summary>
    public Task StopAsync() => BrokerScript.RunAsync("stop", _directory);

    /// <summary>Evaluates an Erlang expression in it.</summary>
    public Task<string> EvaluateAsync(string expression) => BrokerScript.RunAsync("eval", _directory, expression);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await BrokerScript.RunAsync("stop", _directory);
        Directories.Delete(Path.GetDirectoryName(_directory)!);
    }
}
