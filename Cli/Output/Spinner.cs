namespace FaasCluster.Cli.Output;

/// <summary>Shows that something is going on, from its second second on, and only where somebody looks.</summary>
internal static class Spinner
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(120);

    public static async Task<T> WhileAsync<T>(Terminal terminal, string text, Task<T> work)
    {
        if (terminal.ErrorIsTerminal && terminal.Environment("TERM") != "dumb")
        {
            await ShowAsync(terminal, text, work);
        }

        return await work;
    }

    private static async Task ShowAsync(Terminal terminal, string text, Task work)
    {
        var started = terminal.Time.GetTimestamp();
        if (await EndsWithinAsync(terminal, work, Patience))
        {
            return;
        }

        const string Frames = "|/-\\";
        for (var i = 0; ; i++)
        {
            await terminal.Error.WriteAsync($"\r{Frames[i % Frames.Length]} {text} {terminal.Time.GetElapsedTime(started).TotalSeconds:0} s ");
            if (await EndsWithinAsync(terminal, work, Frame))
            {
                // The line belongs to the result from here on.
                await terminal.Error.WriteAsync("\r\e[K");
                return;
            }
        }
    }

    private static async Task<bool> EndsWithinAsync(Terminal terminal, Task work, TimeSpan time)
    {
        using var cancellation = new CancellationTokenSource();
        var ended = await Task.WhenAny(work, Task.Delay(time, terminal.Time, cancellation.Token)) == work;
        await cancellation.CancelAsync();
        return ended;
    }
}
