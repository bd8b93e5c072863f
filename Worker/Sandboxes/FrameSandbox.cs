using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Frames;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>A sandbox whose runtime speaks the frame protocol (runtimes/PROTOCOL.md) and is kept between invocations.</summary>
/// <param name="revision">What it runs.</param>
/// <param name="process">Its process; owned.</param>
/// <param name="package">The package that is mounted in it; owned. Null if the files are its own.</param>
/// <param name="options">Settings.</param>
/// <param name="time">The clock.</param>
internal sealed class FrameSandbox(FunctionRevision revision, SandboxProcess process, PackageLease? package, SandboxOptions options, TimeProvider time)
    : ILoadableSandbox
{
    // Room for the header of an answer beside its body: 1 MB of header fields is somebody's idea of an attack, not of an answer.
    private const int MostResultBytes = Limits.SynchronousPayloadBytes + (1 << 20);

    // On a busy host, with a small share of its CPU, a process that has closed everything takes a while until it is gone.
    private static readonly TimeSpan ExitPatience = TimeSpan.FromSeconds(5);

    private readonly WarmRuns runs = new(process, revision.Manifest);
    private HandlerSignature signature;
    private int uses;

    /// <inheritdoc/>
    public FunctionRevision Revision => revision;

    /// <inheritdoc/>
    public bool IsUsable =>
        !runs.IsBroken && !process.Exited.IsCompleted && uses < options.MaximumUses && Stopwatch.GetElapsedTime(process.StartedAt) < options.MaximumAge;

    private FunctionManifest Manifest => revision.Manifest;

    /// <inheritdoc/>
    public async Task<ExecutionOutcome> LoadAsync(IExecutionLog log, CancellationToken cancellationToken)
    {
        var execution = await ExchangeAsync(
            FrameType.Load,
            this,
            static (json, self) => RequestHeaders.WriteLoad(json, self.Revision),
            default,
            Manifest.InitTimeout,
            log,
            (frame, _) => ValueTask.FromResult<FrameOutcome?>(frame.Type switch
            {
                FrameType.Loaded => Loaded(frame),
                FrameType.InitError => FrameOutcome.Failed(Failures.Raised(ErrorCode.InitError, frame.ReadHeader(HeaderJson.Default.ErrorHeader)), fatal: true),
                _ => throw new FrameException($"A {frame.Type} frame came while loading; expected Loaded or InitError."),
            }),
            cancellationToken);
        return execution.Error switch
        {
            { Code: ErrorCode.Timeout } => execution with { Error = Failures.InitTimeout(Manifest) },
            { Code: ErrorCode.ProcessExited } error => execution with { Error = error with { Code = ErrorCode.InitError, Message = error.Message.Replace("before it answered", "while it was loaded") } },
            _ => execution,
        };
    }

    /// <inheritdoc/>
    public Task<ExecutionOutcome> InvokeAsync(InvocationMessage message, IExecutionLog log, IResponseStream response, CancellationToken cancellationToken)
    {
        uses++;
        var body = signature == HandlerSignature.Event && message.Http is not null ? HttpEventV2.Build(message, revision, time.GetUtcNow()) : message.Body;
        return ExchangeAsync(
            FrameType.Invoke,
            (message, Manifest.Timeout, IsHttp: signature == HandlerSignature.Http, Deadline: time.GetUtcNow() + Manifest.Timeout),
            static (json, state) => RequestHeaders.WriteInvoke(json, state.message, state.Timeout, state.Deadline, state.IsHttp),
            body,
            Manifest.Timeout,
            log,
            new AnswerReader(message, signature, response).TakeAsync,
            cancellationToken);
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
            package?.Dispose();
        }
    }

    private Task<ExecutionOutcome> ExchangeAsync<T>(
        FrameType type,
        T state,
        Action<Utf8JsonWriter, T> writeHeader,
        ReadOnlyMemory<byte> body,
        TimeSpan timeout,
        IExecutionLog log,
        Func<Frame, CancellationToken, ValueTask<FrameOutcome?>> take,
        CancellationToken cancellationToken) => runs.RunAsync(
            (Sandbox: this, Type: type, State: state, WriteHeader: writeHeader, Body: body, Take: take),
            static (exchange, deadline) => exchange.Sandbox.TryExchangeAsync(exchange.Type, exchange.State, exchange.WriteHeader, exchange.Body, exchange.Take, deadline),
            timeout,
            log,
            cancellationToken);

    // One frame there, one or more back.
    private async ValueTask<FrameOutcome> TryExchangeAsync<T>(
        FrameType type, T state, Action<Utf8JsonWriter, T> writeHeader, ReadOnlyMemory<byte> body, Func<Frame, CancellationToken, ValueTask<FrameOutcome?>> take,
        CancellationToken deadline)
    {
        try
        {
            await process.Channel.SendAsync(type, state, writeHeader, body, deadline);
            while (true)
            {
                if (await take(await process.Channel.ReceiveAsync(MostResultBytes, deadline), deadline) is { } outcome)
                {
                    return outcome;
                }
            }
        }
        catch (FrameTooLargeException)
        {
            return FrameOutcome.Failed(Failures.ResponseTooLarge(), fatal: true);
        }
        catch (FrameException exception)
        {
            return FrameOutcome.Failed(Failures.Of(ErrorCode.ProtocolError, exception.Message), fatal: true);
        }
        catch (Exception exception) when (exception is EndOfStreamException or SocketException)
        {
            return await ExplainEndAsync();
        }
    }

    private async Task<FrameOutcome> ExplainEndAsync()
    {
        try
        {
            return FrameOutcome.Failed(Failures.Exited(await process.Exited.WaitAsync(ExitPatience)), fatal: true);
        }
        catch (TimeoutException)
        {
            return FrameOutcome.Failed(Failures.Of(ErrorCode.ProtocolError, "The function closed the runtime's control socket (descriptor 3) and went on."), fatal: true);
        }
    }

    private FrameOutcome Loaded(Frame frame)
    {
        signature = frame.ReadHeader(HeaderJson.Default.LoadedHeader).Signature switch
        {
            "event" => HandlerSignature.Event,
            "http" => HandlerSignature.Http,
            var other => throw new FrameException($"A Loaded frame names the signature '{other}'; expected event or http."),
        };
        return new FrameOutcome(new InvocationResult(), null, IsFatal: false);
    }
}
