namespace FaasCluster.Chaos.Checking;

/// <summary>A row of the table of invocations.</summary>
internal sealed record StoredInvocation(Guid Id, string Function, string Kind, string State, int RecordedAttempt, byte[]? Result)
{
    public bool HasEnded => State is not ("queued" or "running");
}

/// <summary>A row of the table of bills.</summary>
internal sealed record StoredBill(Guid Id, int Attempt, string Function, string State, string? Error, bool ColdStart, long BilledMs, decimal GbSeconds, decimal Cost);
