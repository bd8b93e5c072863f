namespace FaasCluster.Bench;

/// <summary>The figures would be worth nothing: something failed, was lost, was done twice, or took too long.</summary>
internal sealed class BenchFailedException(string message) : Exception(message);
