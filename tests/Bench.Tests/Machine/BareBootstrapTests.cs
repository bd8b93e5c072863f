using FaasCluster.Bench.Machine;

namespace FaasCluster.Bench.Tests.Machine;

public sealed class BareBootstrapTests
{
    [Fact]
    public void Run_OfTheProgram_EndsWithItsFirstRequest()
    {
        using var bootstrap = new BareBootstrap();
        Assert.True(bootstrap.Run() > 0);
        Assert.True(bootstrap.Run() > 0);
    }
}
