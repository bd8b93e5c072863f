namespace FaasCluster.Messaging.Hosting;

/// <summary>Something of the configuration that the options' own validation cannot see, such as a file that they name.</summary>
public interface IStartupCheck
{
    /// <summary>Returns if the node can start.</summary>
    /// <exception cref="NodeConfigurationException">It cannot.</exception>
    void Check();
}
