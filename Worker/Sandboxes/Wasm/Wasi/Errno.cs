namespace FaasCluster.Worker.Sandboxes.Wasm.Wasi;

/// <summary>Error numbers of WASI preview 1, as far as they are given.</summary>
internal enum Errno : uint
{
    Success = 0,
    BadFile = 8,
    Fault = 21,
    Invalid = 28,
    Io = 29,
    IsDirectory = 31,
    TooManyFiles = 33,
    NoEntry = 44,
    NotDirectory = 54,
    NotSocket = 57,
    NotSupported = 58,
    ReadOnly = 69,
    SeekOnPipe = 70,
    NotCapable = 76,
}
