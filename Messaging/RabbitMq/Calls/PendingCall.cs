using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging.RabbitMq.Connections;
using FaasCluster.Messaging.Streaming;

namespace FaasCluster.Messaging.RabbitMq.Calls;

/// <summary>A synchronous invocation whose caller waits. Its outcome is set once; whatever comes later is ignored.</summary>
internal sealed class PendingCall : TaskCompletionSource<CallOutcome>
{
    private readonly Lock gate = new();
    private IncomingAnswer? answer;

    public PendingCall()
        : base(TaskCreationOptions.RunContinuationsAsynchronously)
    {
    }

    public required long Number { get; init; }

    public required InvocationMessage Message { get; init; }

    /// <summary>Where the answer comes; when that queue is lost, so is the answer.</summary>
    public required string ReplyQueue { get; init; }

    /// <summary>The monotonic time at which it was sent.</summary>
    public required long SentAt { get; init; }

    /// <summary>The monotonic time up to which a worker may start it.</summary>
    public required long WaitUntil { get; init; }

    /// <summary>The longest that init and run may take once started, and some grace for record and answer.</summary>
    public required TimeSpan RunLimit { get; init; }

    /// <summary>The monotonic time up to which a started run must be answered.</summary>
    public long RunUntil { get; set; }

    /// <summary>The worker that said it started the run.</summary>
    public string? StartedOn { get; set; }

    /// <summary>The channel on which it was published last.</summary>
    public LiveChannel? Channel { get; set; }

    /// <summary>True if it came back once as unroutable and was published again.</summary>
    public bool WasReturned { get; set; }

    /// <summary>The monotonic time at which it ends as worker_lost unless something is heard of it; 0 without suspicion.</summary>
    public long SuspectUntil { get; set; }

    /// <summary>Takes an answer in pieces; null if the caller takes it only whole.</summary>
    public IAnswerSink? Sink { get; init; }

    /// <summary>What may be under way of such an answer.</summary>
    public int StreamWindow { get; init; }

    /// <summary>Cancelled when the caller leaves.</summary>
    public CancellationToken Leaving { get; init; }

    /// <summary>The answer that comes in pieces, from the first one on.</summary>
    public IncomingAnswer? Answer
    {
        get
        {
            lock (gate)
            {
                return answer;
            }
        }
    }

    /// <summary>Begins an answer in pieces; null if the call has ended, so that nothing is passed on behind its end.</summary>
    public IncomingAnswer? Begin(IAnswerSource source)
    {
        lock (gate)
        {
            return Sink is null || Task.IsCompleted ? null : answer ??= new IncomingAnswer(source, Sink, StreamWindow, Fail, Leaving);
        }
    }

    public void Fail(ErrorCode error) => TrySetResult(new CallOutcome { Error = error, StartedOn = StartedOn });
}
