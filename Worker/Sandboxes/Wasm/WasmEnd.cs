namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>How a run ended.</summary>
internal enum WasmEnd
{
    /// <summary>It runs.</summary>
    None,

    /// <summary>By itself, with a status.</summary>
    Exited,

    /// <summary>WebAssembly's own way to fail: unreachable code, a wrong address, an endless recursion.</summary>
    Trapped,

    /// <summary>It ran longer than its timeout.</summary>
    TimedOut,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>It answered more than may be answered.</summary>
    AnswerTooLarge,

    /// <summary>The platform failed at it.</summary>
    Failed,
}
