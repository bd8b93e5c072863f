using System.Text;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Frames;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Network;

namespace FaasCluster.Worker.Sandboxes.Pool;

/// <summary>Boots generic sandboxes, a few at a time.</summary>
internal sealed class SandboxBooter(SandboxLauncher launcher, SandboxNetworks networks, SandboxOptions options)
{
    private static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(5);

    // Not disposed: that does nothing as long as nobody asks for its handle, and a boot may end after the worker's sandboxes have.
    private readonly SemaphoreSlim places = new(options.ConcurrentBoots);

    /// <summary>Boots one and waits until it is ready to load a function.</summary>
    /// <param name="command">What to run.</param>
    /// <param name="packageDirectory">What becomes /var/task; null for an empty directory.</param>
    /// <param name="cancellationToken">Gives up; nothing is left behind.</param>
    /// <exception cref="BootException">It did not come up.</exception>
    public async Task<SandboxProcess> BootAsync(RuntimeCommand command, string? packageDirectory, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            // What it prints until it is ready explains why it did not become so.
            var log = new BootLog();
            var sandbox = await launcher.LaunchAsync(new LaunchRequest
            {
                Command = command.Arguments(options),
                Limits = new CgroupLimits(RuntimeCommand.BootMemoryBytes, options.ProcessLimit, Cores: null),
                IsGeneric = true,
                IsToldLater = command.IsToldByInput,
                PackageDirectory = packageDirectory,
                Log = log,
            });
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(options.BootTimeout);
            try
            {
                var frame = await sandbox.Channel.ReceiveAsync(0, patience.Token);
                if (frame.Type != FrameType.Ready)
                {
                    throw new FrameException($"A {frame.Type} frame came; expected Ready.");
                }

                await OpenAsync(sandbox, command, patience.Token);
                sandbox.Output.End();

                // Opens what is read at every run: who takes it from the pool should not wait for that.
                _ = RunMeter.Start(sandbox);
                return sandbox;
            }
            catch (Exception exception)
            {
                var reason = exception switch
                {
                    OperationCanceledException => $"not ready after {options.BootTimeout.TotalSeconds} s",
                    EndOfStreamException when await WhenExitedAsync(sandbox) is { } exit => $"its process {exit}",
                    _ => exception.Message,
                };
                sandbox.Output.End();
                await sandbox.EndAsync();
                cancellationToken.ThrowIfCancellationRequested();
                throw new BootException($"A sandbox for {command.Runtime} did not start: {reason.TrimEnd('.')}. {log.Text}".TrimEnd());
            }
        }
        catch (Exception exception) when (exception is IOException or TimeoutException)
        {
            throw new BootException($"A sandbox for {command.Runtime} could not be made: {exception.Message}");
        }
        finally
        {
            places.Release();
        }
    }

    // Before anybody's code runs: what it may reach, and beside that what the worker listens on.
    private async Task OpenAsync(SandboxProcess sandbox, RuntimeCommand command, CancellationToken cancellationToken)
    {
        var listening = command.Port is { } port ? networks.ListenAsync(sandbox, port, cancellationToken) : null;
        try
        {
            await networks.OpenAsync(sandbox, command.Network, cancellationToken);
        }
        finally
        {
            sandbox.Listener = listening is null ? null : await listening;
        }
    }

    // The socket closes a moment before the process is gone, and what it said last explains more than the socket.
    private static async Task<ProcessExit?> WhenExitedAsync(SandboxProcess sandbox)
    {
        try
        {
            return await sandbox.Exited.WaitAsync(ExitPatience);
        }
        catch (Exception exception) when (exception is TimeoutException or IOException)
        {
            return null;
        }
    }

    private sealed class BootLog : IExecutionLog
    {
        private readonly StringBuilder text = new();

        public string Text
        {
            get
            {
                lock (text)
                {
                    return text.ToString();
                }
            }
        }

        public void Write(string stream, ReadOnlySpan<byte> line)
        {
            lock (text)
            {
                if (text.Length < 2000)
                {
                    text.Append(Encoding.UTF8.GetString(line[..Math.Min(line.Length, 500)])).Append(' ');
                }
            }
        }
    }
}
