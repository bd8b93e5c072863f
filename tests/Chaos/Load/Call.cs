namespace FaasCluster.Chaos.Load;

/// <summary>One line of the history.</summary>
internal sealed record Call
{
    public required string Function { get; init; }

    public required bool IsAsynchronous { get; init; }

    /// <summary>The event's own number; the answer must carry it.</summary>
    public required string Nonce { get; init; }

    public required string Sha256 { get; init; }

    /// <summary>How often the handler is told to fail.</summary>
    public required int Failures { get; init; }

    public required string Gateway { get; init; }

    /// <summary>Since the run began.</summary>
    public required TimeSpan At { get; init; }

    public TimeSpan Took { get; init; }

    public CallOutcome Outcome { get; init; }

    public int? Status { get; init; }

    public string? Error { get; init; }

    public Guid? Id { get; init; }

    /// <summary>What is wrong with the answer itself.</summary>
    public string? Violation { get; init; }
}
