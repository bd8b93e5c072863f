namespace FaasCluster.Runtime;

/// <summary>An error whose type is named by the platform and not by a class.</summary>
internal sealed class Failure(string kind, string message, Exception? cause = null) : Exception(message, cause)
{
    public string Kind => kind;
}
