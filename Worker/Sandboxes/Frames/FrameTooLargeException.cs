namespace FaasCluster.Worker.Sandboxes.Frames;

/// <summary>A frame is longer than its receiver takes.</summary>
internal sealed class FrameTooLargeException(long length) : Exception($"A frame has {length} bytes.");
