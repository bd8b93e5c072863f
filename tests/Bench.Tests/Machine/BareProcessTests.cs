using FaasCluster.Bench.Machine;

namespace FaasCluster.Bench.Tests.Machine;

public sealed class BareProcessTests
{
    [Fact]
    public void Run_ThatSucceeds_TakesTime() => Assert.True(BareProcess.Run(["/bin/true"]) > 0);

    [Fact]
    public void Run_ThatFails_IsNoFigure() => Assert.Throws<BenchFailedException>(() => BareProcess.Run(["/bin/false"]));

    [Fact]
    public void Run_OfAProgramThatIsNotThere_SaysSo()
    {
        var failure = Assert.Throws<BenchFailedException>(() => BareProcess.Run(["/nowhere/node"]));
        Assert.Contains("/nowhere/node", failure.Message);
    }
}
