using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;

namespace FaasCluster.Gateway.Invocations;

/// <summary>
/// Passes on an answer that comes in pieces: head and pieces as they come, each one flushed. Its end is told by the end of the body, and
/// that comes only when outcome and bill are committed; everything else aborts the connection, so that no caller takes a part for the whole.
/// </summary>
internal sealed class StreamedAnswer(HttpContext context, InvocationMessage message) : IAnswerSink
{
    private readonly bool isHead = HttpMethods.IsHead(context.Request.Method);
    private bool hasBody;

    /// <summary>True if the caller has a head: it cannot be answered otherwise any more.</summary>
    public bool HasStarted { get; private set; }

    /// <summary>Why the function's head was not passed on; null if it was.</summary>
    public string? Refusal { get; private set; }

    /// <inheritdoc/>
    public async ValueTask<ErrorCode?> StartAsync(InvocationReply head, CancellationToken cancellationToken)
    {
        var result = head.Result!;

        // The length is not known yet, so no Content-Length can be wrong: it is left out.
        Refusal = ResultHeaders.Refuse(message.Trigger == TriggerKind.Http ? result : result with { HttpStatus = null, Headers = [] }, isHead: true);
        if (Refusal is not null)
        {
            return ErrorCode.InvalidResponse;
        }

        HasStarted = true;
        AnswerWriter.SetHead(context, message, head);
        var response = context.Response;
        hasBody = !isHead && response.StatusCode is not (204 or 205 or 304);
        await response.StartAsync(cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
        return null;
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        if (hasBody)
        {
            await context.Response.Body.WriteAsync(piece, cancellationToken);
            await context.Response.Body.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Ends the body, or aborts the connection if it is not whole or not recorded.</summary>
    public async Task EndAsync(CallOutcome outcome)
    {
        if (outcome.Reply is not { Error: null, Recorded: true })
        {
            context.Abort();
            return;
        }

        await context.Response.CompleteAsync();
    }
}
