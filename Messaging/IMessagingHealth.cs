namespace FaasCluster.Messaging;

/// <summary>Whether messages can flow.</summary>
public interface IMessagingHealth
{
    /// <summary>Null if they can; else what is wrong and what to do, for people.</summary>
    string? Problem { get; }
}
