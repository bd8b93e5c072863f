namespace FaasCluster.Gateway;

/// <summary>The gateway cannot start with the configuration that it was given; the message says why and what to do.</summary>
public sealed class GatewayConfigurationException : Exception
{
    /// <summary>Makes the exception.</summary>
    public GatewayConfigurationException(string message)
        : base(message)
    {
    }
}
