using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// The answer of one run that comes in pieces: passed on as it comes where the caller takes it so, else collected up to the limit of
/// an answer in one piece. What is passed on is kept as well while it is short enough to stand in the record.
/// </summary>
/// <param name="open">Opens the way to the caller, and is given what ends the run from there; null for a caller that takes the answer whole.</param>
/// <param name="makeHead">What the caller gets first.</param>
/// <param name="limit">Most bytes that are passed on.</param>
/// <param name="kill">Kills the run: the token that the sandbox was given is cancelled when it returns.</param>
internal sealed class ResponseStream(
    Func<Action<ErrorCode>, IAnswerStream?> open, Func<InvocationResult, InvocationReply> makeHead, long limit, Action kill) : IResponseStream, IDisposable
{
    private static readonly InvocationError CallerLeft = new()
    {
        Code = ErrorCode.CallerLeft,
        Message = "The caller left, or could not be reached any more, before the answer was complete; the run was killed.",
    };

    private static readonly InvocationError Unfit = new()
    {
        Code = ErrorCode.InvalidResponse,
        Message = "The head of the streamed answer is no valid HTTP response (status, header names or values); the run was killed.",
    };

    private readonly MemoryStream kept = new();
    private IAnswerStream? answer;
    private InvocationResult? head;
    private volatile InvocationError? problem;
    private long length;

    /// <summary>Why the run was killed from here; null if it was not.</summary>
    public InvocationError? Problem => problem;

    /// <summary>True if the caller has the head: it cannot be answered otherwise any more.</summary>
    public bool IsPassedOn => answer is not null && head is not null;

    /// <summary>How many bytes have been written.</summary>
    public long Length => length;

    /// <inheritdoc/>
    public async ValueTask StartAsync(InvocationResult head, CancellationToken cancellationToken)
    {
        answer = open(OnRefused);
        this.head = head with { Body = default };
        Keep(head.Body, cancellationToken);
        if (answer is not null)
        {
            await answer.StartAsync(makeHead(head), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        Keep(bytes, cancellationToken);
        if (answer is not null)
        {
            await answer.WriteAsync(bytes, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public InvocationResult End() => head! with { Body = length == kept.Length ? kept.GetBuffer().AsMemory(0, (int)length) : default };

    /// <summary>What the record keeps of a result: all of it, or nothing of one that was too long to be kept on its way.</summary>
    public InvocationResult? Record(InvocationResult? result) => IsPassedOn && length != kept.Length ? null : result;

    /// <summary>What the caller still gets of a result: nothing of what it has.</summary>
    public InvocationResult? Rest(InvocationResult? result) => IsPassedOn && result is not null ? head : result;

    public void Dispose() => answer?.Dispose();

    private void Keep(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        var wasKept = length == kept.Length;
        length += bytes.Length;
        if (length > (answer is null ? Limits.SynchronousPayloadBytes : limit))
        {
            problem = answer is null ? Failures.ResponseTooLarge() : Failures.Of(ErrorCode.ResponseTooLarge, $"The function's answer is larger than {limit} bytes, the most that is streamed.");
            kill();
            throw new OperationCanceledException("The answer is too large.", cancellationToken);
        }

        if (wasKept && (answer is null || length <= Limits.RecordedResultBytes))
        {
            kept.Write(bytes.Span);
        }
        else if (kept.Length > 0)
        {
            kept.SetLength(0);
            kept.Capacity = 0;
        }
    }

    private void OnRefused(ErrorCode why)
    {
        problem = why == ErrorCode.InvalidResponse ? Unfit : CallerLeft;
        kill();
    }
}
