using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;
using FaasCluster.Worker.Sandboxes.Frames;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>
/// Reads what a runtime answers to one invocation: a result, an error, or an answer in pieces, which are passed on one by one. The next
/// frame is read only when the last one was passed on; until then the function waits at its socket.
/// </summary>
/// <param name="message">The invocation.</param>
/// <param name="signature">How the handler takes its event.</param>
/// <param name="response">Takes the pieces.</param>
internal sealed class AnswerReader(InvocationMessage message, HandlerSignature signature, IResponseStream response)
{
    /// <summary>Most bytes of one piece, as in runtimes/PROTOCOL.md.</summary>
    private const int MostPieceBytes = 64 << 10;

    private bool isStreaming;

    /// <summary>Takes a frame; null if more are to come.</summary>
    /// <exception cref="FrameException">It is out of turn, or not what was expected.</exception>
    public async ValueTask<FrameOutcome?> TakeAsync(Frame frame, CancellationToken cancellationToken)
    {
        switch (frame.Type)
        {
            case FrameType.Result when !isStreaming:
                return Answered(frame);
            case FrameType.Error:
                return Raised(frame);
            case FrameType.ResultStart when !isStreaming:
                isStreaming = true;
                await response.StartAsync(Head(frame), cancellationToken);
                return null;
            case FrameType.Chunk when isStreaming:
                await response.WriteAsync(Piece(frame), cancellationToken);
                return null;
            case FrameType.ResultEnd when isStreaming:
                CheckId(frame.ReadHeader(HeaderJson.Default.ResultHeader).Id);
                return new FrameOutcome(response.End(), null, IsFatal: false);
            default:
                throw new FrameException($"A {frame.Type} frame came; expected {(isStreaming ? "Chunk, ResultEnd" : "Result, ResultStart")} or Error.");
        }
    }

    private FrameOutcome Answered(Frame frame)
    {
        var header = frame.ReadHeader(HeaderJson.Default.ResultHeader);
        CheckId(header.Id);
        if (frame.Body.Length > Limits.SynchronousPayloadBytes)
        {
            return FrameOutcome.Failed(Failures.ResponseTooLarge(), fatal: false);
        }

        if (signature == HandlerSignature.Event && message.Http is not null)
        {
            var (result, error) = HttpResponseV2.Read(frame.OwnBody());
            return new FrameOutcome(result, error, IsFatal: false);
        }

        return new FrameOutcome(Result(header, "application/json") with { Body = frame.OwnBody() }, null, IsFatal: false);
    }

    private InvocationResult Head(Frame frame)
    {
        var header = frame.ReadHeader(HeaderJson.Default.ResultHeader);
        CheckId(header.Id);
        return Result(header, "application/octet-stream") with { Body = Piece(frame) };
    }

    private FrameOutcome Raised(Frame frame)
    {
        var header = frame.ReadHeader(HeaderJson.Default.ErrorHeader);
        CheckId(header.Id);
        return FrameOutcome.Failed(header.TooLarge ? Failures.ResponseTooLarge() : Failures.Raised(ErrorCode.FunctionError, header), header.Fatal);
    }

    private static InvocationResult Result(ResultHeader header, string contentType) => new()
    {
        HttpStatus = header.Status,
        Headers = [.. (header.Headers ?? []).Where(pair => pair is [not null, not null]).Select(pair => KeyValuePair.Create(pair![0]!, pair[1]!))],
        ContentType = header.ContentType ?? contentType,
    };

    private static ReadOnlyMemory<byte> Piece(Frame frame) => frame.Body.Length <= MostPieceBytes
        ? frame.Body
        : throw new FrameException($"A {frame.Type} frame has a body of {frame.Body.Length} bytes; at most {MostPieceBytes} are allowed.");

    // An answer that was forged, or left over from another invocation, must not reach this one's caller.
    private void CheckId(string? id)
    {
        if (id != RequestHeaders.Id(message))
        {
            throw new FrameException($"An answer to invocation '{id}' came; expected '{RequestHeaders.Id(message)}'.");
        }
    }
}
