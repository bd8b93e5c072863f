using System.Diagnostics;
using System.Threading.Channels;

namespace FaasCluster.Messaging.Tests;

/// <summary>A node as a process of its own, to be killed: tests/Messaging.Node.</summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    private NodeProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is { } text)
            {
                _lines.Writer.TryWrite(text);
            }
            else
            {
                _lines.Writer.TryComplete();
            }
        };
        process.BeginOutputReadLine();
    }

    /// <param name="what">"enqueue" or "serve".</param>
    /// <param name="function">For which function.</param>
    /// <param name="settings">Configuration as name=value.</param>
    public static NodeProcess Start(string what, Guid function, params string[] settings)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "FaasCluster.Messaging.Node"), [what, function.ToString(), .. settings])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        return new NodeProcess(Process.Start(start) ?? throw new InvalidOperationException("The node did not start."));
    }

    /// <summary>The next line that it prints.</summary>
    public async Task<string> NextAsync() => await _lines.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>What it printed and nobody read, once it has ended.</summary>
    public async Task<IReadOnlyList<string>> RestAsync()
    {
        var rest = new List<string>();
        while (await _lines.Reader.WaitToReadAsync().AsTask().WaitAsync(Patience))
        {
            while (_lines.Reader.TryRead(out var line))
            {
                rest.Add(line);
            }
        }

        return rest;
    }

    public Task WhenEndedAsync() => _process.WaitForExitAsync().WaitAsync(Patience);

    /// <summary>As kill -9 does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await WhenEndedAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync();
        }

        _process.Dispose();
    }
}
