namespace FaasCluster.Gateway.Dispatches.Callbacks;

/// <summary>A callback's host has no address that it may be sent to.</summary>
internal sealed class CallbackRefusedException(string message) : Exception(message);
