using System.Diagnostics;
using System.Globalization;

namespace FaasCluster.Chaos.Nemesis;

/// <summary>Signals to processes of the servers.</summary>
internal static class ServerProcess
{
    /// <summary>kill -9; returns when they are gone.</summary>
    public static Task KillAsync(IReadOnlyList<int> processes) => SignalAsync(processes, "KILL");

    /// <summary>Sends a signal that ends them; returns when they are gone.</summary>
    public static async Task SignalAsync(IReadOnlyList<int> processes, string signal)
    {
        await SendAsync(processes, signal);
        await FaultScene.ConfirmAsync(() => Task.FromResult(processes.All(process => State(process) is 'X' or 'Z')), $"processes {string.Join(' ', processes)} are gone after SIG{signal}");
    }

    /// <summary>Stops them, and lets them go on after a while: sockets stay open and nothing answers.</summary>
    public static async Task FreezeAsync(IReadOnlyList<int> processes, Func<Task> whileAsync)
    {
        await SendAsync(processes, "STOP");
        try
        {
            await FaultScene.ConfirmAsync(() => Task.FromResult(State(processes[0]) == 'T'), $"process {processes[0]} is stopped");
            await whileAsync();
        }
        finally
        {
            await SendAsync(processes, "CONT");
        }
    }

    private static async Task SendAsync(IReadOnlyList<int> processes, string signal)
    {
        using var kill = Process.Start(new ProcessStartInfo("kill", [$"-{signal}", .. processes.Select(process => process.ToString(CultureInfo.InvariantCulture))]) { RedirectStandardError = true })!;
        await kill.WaitForExitAsync();
    }

    private static char State(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[stat.LastIndexOf(')') + 2];
        }
        catch (IOException)
        {
            return 'X';
        }
    }
}
