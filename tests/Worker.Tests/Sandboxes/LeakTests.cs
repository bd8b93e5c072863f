namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Nothing is lost when something goes wrong half-way.</summary>
public sealed class LeakTests
{
    [Fact]
    public async Task Launch_WithoutEnoughDescriptors_LeavesNothingAndWorksAgainLater()
    {
        var root = SandboxFixture.MakeRoot();
        try
        {
            await HelperTests.RunAsync(root, nameof(HelperTests.Launcher_RunsOutOfDescriptors));
        }
        finally
        {
            await HelperTests.CleanAsync(root);
        }
    }
}
