namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>Log lines of the runtime "wasm": 4260 to 4269.</summary>
internal static partial class WasmLog
{
    [LoggerMessage(4260, LogLevel.Warning, "This worker does not offer the runtime wasm: {Problem}.")]
    public static partial void NotAvailable(ILogger logger, string problem);
}
