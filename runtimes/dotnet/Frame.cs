using System.Text.Json;

namespace FaasCluster.Runtime;

/// <summary>A frame of ../PROTOCOL.md.</summary>
/// <param name="Type">What it is.</param>
/// <param name="Header">JSON, or nothing.</param>
/// <param name="Body">Bytes as they are.</param>
internal sealed record Frame(FrameType Type, byte[] Header, byte[] Body)
{
    public JsonElement ReadHeader() => JsonElement.Parse(Header);
}

/// <summary>Types of frames.</summary>
internal enum FrameType : byte
{
    Ready = 1,
    Load = 2,
    Loaded = 3,
    InitError = 4,
    Invoke = 5,
    Result = 6,
    Error = 7,
}
