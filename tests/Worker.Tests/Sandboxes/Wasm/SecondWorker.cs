namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

/// <summary>Another worker of the same host. Its directory stays, because it is the first one's.</summary>
internal sealed class SecondWorker(string root) : WasmFixture(root)
{
    protected override bool OwnsRoot => false;
}
