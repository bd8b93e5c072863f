using Microsoft.Extensions.Configuration;

namespace FaasCluster.Messaging.Hosting;

/// <summary>Embedded or cluster: decided by the connection strings alone, never by what happens to be reachable.</summary>
public static class InstallationMode
{
    /// <summary>Whether this is a node of a cluster.</summary>
    /// <exception cref="NodeConfigurationException">Only one of the two connection strings is there.</exception>
    public static bool IsCluster(IConfiguration configuration)
    {
        var postgres = !string.IsNullOrWhiteSpace(configuration.GetConnectionString("Postgres"));
        var broker = !string.IsNullOrWhiteSpace(configuration.GetConnectionString("RabbitMq"));
        if (postgres == broker)
        {
            return postgres;
        }

        var (given, missing) = postgres ? ("Postgres", "RabbitMq") : ("RabbitMq", "Postgres");
        throw new NodeConfigurationException(
            $"ConnectionStrings:{given} is set, but ConnectionStrings:{missing} is not; set both for a cluster, or neither for the embedded mode.");
    }

    /// <summary>Refuses the embedded mode, for a gateway or a worker on its own.</summary>
    /// <param name="configuration">The host's configuration.</param>
    /// <param name="node">What the host is, for people: "a gateway".</param>
    /// <exception cref="NodeConfigurationException">The connection strings are missing.</exception>
    public static void RequireCluster(IConfiguration configuration, string node)
    {
        if (!IsCluster(configuration))
        {
            throw new NodeConfigurationException(
                $"ConnectionStrings:Postgres and ConnectionStrings:RabbitMq are missing; {node} on its own needs both (for example ConnectionStrings__Postgres and ConnectionStrings__RabbitMq in the environment). For one process without servers start FaasCluster.Standalone.");
        }
    }
}
