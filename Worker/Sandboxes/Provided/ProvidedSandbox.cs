using System.Diagnostics;
using System.Net.Sockets;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>A sandbox whose program speaks the AWS Lambda Runtime API and is kept between invocations.</summary>
/// <param name="revision">What it runs.</param>
/// <param name="process">Its process; owned.</param>
/// <param name="api">Its end of the Runtime API; owned.</param>
/// <param name="path">The bootstrap, as the sandbox sees it.</param>
/// <param name="package">The package that is mounted in it; owned. Null if the files are its own.</param>
/// <param name="options">Settings.</param>
/// <param name="time">The clock.</param>
internal sealed class ProvidedSandbox(
    FunctionRevision revision, SandboxProcess process, RuntimeApiEndpoint api, string path, PackageLease? package, SandboxOptions options, TimeProvider time)
    : ILoadableSandbox
{
    // Seldom needed at all, and on a busy host more than a second.
    private static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(5);

    private readonly WarmRuns runs = new(process, revision.Manifest);
    private readonly CarriedLog carried = new();
    private int uses;

    /// <inheritdoc/>
    public FunctionRevision Revision => revision;

    /// <inheritdoc/>
    public bool IsUsable =>
        !runs.IsBroken && !process.Exited.IsCompleted && uses < options.MaximumUses && Stopwatch.GetElapsedTime(process.StartedAt) < options.MaximumAge;

    private FunctionManifest Manifest => revision.Manifest;

    /// <summary>Starts the bootstrap and waits until it asks for its first invocation.</summary>
    /// <inheritdoc/>
    public async Task<ExecutionOutcome> LoadAsync(IExecutionLog log, CancellationToken cancellationToken)
    {
        var outcome = await runs.RunAsync(this, static (sandbox, deadline) => sandbox.StartAsync(deadline), Manifest.InitTimeout, log, cancellationToken);
        return outcome.Error?.Code == ErrorCode.Timeout ? outcome with { Error = Failures.InitTimeout(Manifest) } : outcome;
    }

    /// <inheritdoc/>
    public async Task<ExecutionOutcome> InvokeAsync(InvocationMessage message, IExecutionLog log, IResponseStream response, CancellationToken cancellationToken)
    {
        uses++;
        carried.MoveTo(log);
        var now = time.GetUtcNow();
        var invocation = new RuntimeInvocation
        {
            Id = RequestHeaders.Id(message),
            DueAt = now + Manifest.Timeout,
            FunctionArn = $"arn:aws:lambda:{ProvidedEnvironment.Region}:{message.AccountId}:function:{Manifest.Name}",
            TraceId = XRayTrace.Of(message.TraceParent, now),
            IsHttp = message.Http is not null,
            Response = response,
            Event = message.Http is null ? message.Body : HttpEventV2.Build(message, revision, now),
        };
        var outcome = await runs.RunAsync(
            (Sandbox: this, Invocation: invocation),
            static (run, deadline) => run.Sandbox.ExchangeAsync(run.Invocation, deadline),
            Manifest.Timeout,
            log,
            cancellationToken);
        return outcome.Error?.Code == ErrorCode.Timeout ? outcome with { Error = ProvidedFailures.TimedOut(Manifest, invocation.Id) } : outcome;
    }

    /// <inheritdoc/>
    public async ValueTask<bool> SettleAsync(CancellationToken cancellationToken)
    {
        if (IsUsable && !api.Session.Ready.IsCompleted)
        {
            // Read, or a program that prints much would wait for ever.
            process.Output.Begin(carried);
            try
            {
                await Task.WhenAny(api.Session.Ready, process.Exited).WaitAsync(Manifest.Timeout, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                return false;
            }
            finally
            {
                process.Output.End();
            }
        }

        return IsUsable;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        runs.Dispose();
        try
        {
            await process.DisposeAsync();
        }
        finally
        {
            await api.DisposeAsync();
            package?.Dispose();
        }
    }

    private async ValueTask<FrameOutcome> StartAsync(CancellationToken deadline)
    {
        process.Tell(BootstrapCommand.Write(ProvidedEnvironment.Of(revision, time), path));
        await ReleaseAsync(deadline);
        var started = api.Session.Started;
        await WhenEndedAsync(started, deadline);
        if (!started.IsCompleted)
        {
            return FrameOutcome.Failed(ProvidedFailures.Exited(await process.Exited, id: null), fatal: true);
        }

        if (await started is not { } error)
        {
            return new FrameOutcome(new InvocationResult(), null, IsFatal: false);
        }

        // It ends by itself now, and may print why.
        await Task.WhenAny(process.Exited, Task.Delay(ExitPatience, time, deadline));
        return FrameOutcome.Failed(error, fatal: true);
    }

    // What waits in runtimes/provided/start.sh.
    private async ValueTask ReleaseAsync(CancellationToken deadline)
    {
        try
        {
            await process.Channel.SendGoAsync(deadline);
            process.Channel.Dispose();
        }
        catch (SocketException)
        {
            // It has ended in the pool a moment ago, which shows in a moment.
        }
    }

    private async ValueTask<FrameOutcome> ExchangeAsync(RuntimeInvocation invocation, CancellationToken deadline)
    {
        invocation.Deadline = deadline;
        api.Session.Begin(invocation);
        await WhenEndedAsync(invocation.Answer, deadline);
        if (!invocation.Answer.IsCompleted)
        {
            return FrameOutcome.Failed(ProvidedFailures.Exited(await process.Exited, invocation.Id), fatal: true);
        }

        var answer = await invocation.Answer;
        if (answer.Error is { } error)
        {
            return FrameOutcome.Failed(error, fatal: false);
        }

        if (answer.IsStreamed)
        {
            return new FrameOutcome(invocation.Response.End(), null, IsFatal: false);
        }

        if (!invocation.IsHttp)
        {
            return new FrameOutcome(new InvocationResult { Body = answer.Payload }, null, IsFatal: false);
        }

        var (result, problem) = HttpResponseV2.Read(answer.Payload);
        return new FrameOutcome(result, problem, IsFatal: false);
    }

    // Its end may be noticed before what it sent last.
    private async Task WhenEndedAsync(Task wanted, CancellationToken deadline)
    {
        if (await Task.WhenAny(wanted, process.Exited).WaitAsync(deadline) != wanted)
        {
            await Task.WhenAny(wanted, api.WhenDrainedAsync(), Task.Delay(ExitPatience, time, deadline));
        }
    }
}
