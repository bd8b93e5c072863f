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

    /// <summary>From the sandbox: its answer begins, and comes in pieces; the first is the body.</summary>
    ResultStart = 8,

    /// <summary>From the sandbox: a piece of the answer.</summary>
    Chunk = 9,

    /// <summary>From the sandbox: the answer was whole.</summary>
    ResultEnd = 10,
}
