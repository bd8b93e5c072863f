namespace FaasCluster.Storage.Concurrency;

/// <summary>What one worker holds of one function.</summary>
public sealed record HeldSlots
{
    /// <summary>The function.</summary>
    public Guid FunctionId { get; init; }

    /// <summary>Slots that are leased, 0 or more.</summary>
    public int Slots { get; init; }

    /// <summary>True while another worker waits for a slot of the function.</summary>
    public bool IsWanted { get; init; }
}
