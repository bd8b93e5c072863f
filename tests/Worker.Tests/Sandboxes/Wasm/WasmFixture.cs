namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

/// <summary>A worker for modules: nothing of other runtimes is booted ahead.</summary>
public class WasmFixture : SandboxFixture
{
    public WasmFixture()
    {
    }

    protected WasmFixture(string root)
        : base(root)
    {
    }

    protected override Dictionary<string, string?> Settings => new() { ["Sandbox:PoolMaximum"] = "0" };
}
