namespace FaasCluster.Messaging.Hosting;

/// <summary>The node cannot start with the configuration that it was given; the message says why and what to do.</summary>
public sealed class NodeConfigurationException : Exception
{
    /// <summary>Makes the exception.</summary>
    public NodeConfigurationException(string message)
        : base(message)
    {
    }
}
