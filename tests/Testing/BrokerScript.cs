using System.Diagnostics;

namespace FaasCluster.Testing;

/// <summary>Runs <c>deploy/local/rabbitmq</c>, the script that starts and stops private brokers.</summary>
public static class BrokerScript
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6);

    /// <summary>The checkout that the tests were built from.</summary>
    public static string RepositoryRoot { get; } = FindRoot();

    /// <summary>Runs the script and returns what it printed, without the line's end.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message is what it said.</exception>
    public static async Task<string> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(RepositoryRoot, "deploy/local/rabbitmq"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException("The script did not start.");
        using var patience = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(patience.Token);
        var error = process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        return process.ExitCode == 0
            ? (await output).TrimEnd('\n')
            : throw new InvalidOperationException($"rabbitmq {string.Join(' ', arguments)} ended with {process.ExitCode}: {await error}");
    }

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "FaasCluster.sln")))
            {
                return folder;
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds FaasCluster.sln.");
    }
}
