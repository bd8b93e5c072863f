namespace FaasCluster.Worker.Sandboxes.Frames;

/// <summary>What a sandbox sent is not the runtime protocol.</summary>
internal sealed class FrameException(string message) : Exception(message);
