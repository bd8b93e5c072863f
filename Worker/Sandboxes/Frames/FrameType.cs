namespace FaasCluster.Worker.Sandboxes.Frames;

/// <summary>What a frame says; see runtimes/PROTOCOL.md.</summary>
internal enum FrameType : byte
{
    /// <summary>From the sandbox: booted.</summary>
    Ready = 1,

    /// <summary>To the sandbox: load this function.</summary>
    Load = 2,

    /// <summary>From the sandbox: it is loaded.</summary>
    Loaded = 3,

    /// <summary>From the sandbox: it cannot be loaded.</summary>
    InitError = 4,

    /// <summary>To the sandbox: run it.</summary>
    Invoke = 5,

    /// <summary>From the sandbox: its answer.</summary>
    Result = 6,

    /// <summary>From the sandbox: it raised an error.</summary>
    Error = 7,
}
