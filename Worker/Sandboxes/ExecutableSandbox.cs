using System.Diagnostics;
using System.Text;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>
/// The executable runtime: a fresh sandbox and process per invocation, nothing in between. The event is standard input, standard
/// output is the answer, standard error the log, the exit status the verdict.
/// </summary>
internal sealed class ExecutableSandbox(FunctionRevision revision, PackageLease package, SandboxHost host, SandboxOptions options, TimeProvider time) : ISandbox
{
    private int disposed;

    /// <inheritdoc/>
    public FunctionRevision Revision => revision;

    /// <inheritdoc/>
    public bool IsUsable => disposed == 0;

    private FunctionManifest Manifest => revision.Manifest;

    /// <summary>Why the package cannot be run; null if it can.</summary>
    public static string? FindProblem(FunctionRevision revision, PackageLease package)
    {
        var handler = revision.Manifest.Handler;
        var path = Path.Combine(package.Directory, handler);
        if (!package.Files.Contains(handler))
        {
            return $"The package has no file '{handler}'; 'handler' in the manifest names the program to run.";
        }

        return File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherExecute)
            ? null
            : $"'{handler}' is not executable; run 'chmod +x {handler}' and deploy again.";
    }

    /// <inheritdoc/>
    public async Task<ExecutionOutcome> InvokeAsync(InvocationMessage message, IExecutionLog log, IResponseStream response, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        SandboxProcess process;
        try
        {
            process = await host.Launcher.LaunchAsync(new LaunchRequest
            {
                Command = [RootTree.ScriptShell, $"{RootTree.RuntimeDirectory}/executable/start.sh", $"{RootTree.TaskDirectory}/{Manifest.Handler}"],
                Environment = ProgramEnvironment.Of(revision, message, time.GetUtcNow() + Manifest.Timeout),
                Limits = new CgroupLimits(Manifest.MemoryBytes, options.ProcessLimit, options.CoresFor(Manifest.MemoryBytes)),
                PackageDirectory = package.Directory,
                Input = message.Body,
                ResultLimit = Limits.SynchronousPayloadBytes,
                Log = log,
            });
        }
        catch (IOException exception)
        {
            return new ExecutionOutcome { Error = Failures.Of(ErrorCode.SandboxFailed, exception.Message), Run = Stopwatch.GetElapsedTime(started) };
        }

        try
        {
            return await RunAsync(process, started, cancellationToken);
        }
        finally
        {
            await process.EndAsync();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) == 0)
        {
            package.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private async Task<ExecutionOutcome> RunAsync(SandboxProcess process, long started, CancellationToken cancellationToken)
    {
        InvocationError? error = null;
        ProcessExit? exit = null;
        var isOpen = false;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Manifest.Timeout);
        try
        {
            isOpen = await OpenAsync(process, timeout.Token);
            if (!isOpen || await Task.WhenAny(process.Exited, process.Output.Result!.Exceeded).WaitAsync(timeout.Token) == process.Exited)
            {
                exit = await process.Exited.WaitAsync(timeout.Token);
            }
        }
        catch (IOException exception)
        {
            error = Failures.Of(ErrorCode.SandboxFailed, $"The sandbox could not be made ready: {exception.Message}");
        }
        catch (OperationCanceledException)
        {
            error = cancellationToken.IsCancellationRequested
                ? Failures.Of(ErrorCode.Cancelled, "The invocation was cancelled while it ran; it was killed.")
                : Failures.Timeout(Manifest);
        }

        var elapsed = Stopwatch.GetElapsedTime(started);

        // The sandbox is this invocation's alone, so what the cgroup counted is the invocation's.
        await process.KillAsync();
        process.Output.End();
        if (error?.Code != ErrorCode.Cancelled && process.Cgroup.ReadOutOfMemoryKills() > 0)
        {
            error = Failures.OutOfMemory(Manifest);
        }
        else if (process.Output.Result!.Exceeded.IsCompleted)
        {
            error ??= Failures.ResponseTooLarge();
        }
        else if (exit is { Status: not 0 } status)
        {
            error ??= Explain(process, status, isOpen);
        }

        return new ExecutionOutcome
        {
            Result = error is null ? ProgramAnswer.Of(process.Output.Result!.Bytes) : null,
            Error = error,
            Run = elapsed,
            CpuTime = process.Cgroup.ReadCpuTime(),
            PeakMemoryBytes = process.Cgroup.ReadPeakMemory(),
        };
    }

    // The program waits (runtimes/executable/start.sh) until the network is there: its listeners, and what it may not reach. False if
    // the sandbox ended before.
    private async Task<bool> OpenAsync(SandboxProcess process, CancellationToken cancellationToken)
    {
        if (!await process.WhenReadyAsync(cancellationToken))
        {
            return false;
        }

        await host.Networks.OpenAsync(process, Manifest.Network, cancellationToken);
        process.Network?.FunctionName = Manifest.Name;
        await process.Channel.SendGoAsync(cancellationToken);
        return true;
    }

    // Only a sandbox that was complete says READY: what fails before is the host's fault, whatever was printed.
    private static InvocationError Explain(SandboxProcess process, ProcessExit exit, bool isOpen)
    {
        var lastLine = process.Output.LastErrorLine is { } bytes ? Encoding.UTF8.GetString(bytes) : null;
        return isOpen ? Failures.Exited(exit, lastLine) : Failures.Of(ErrorCode.SandboxFailed, $"The sandbox did not start: {lastLine ?? exit.ToString()}");
    }
}
