using FaasCluster.Bench.Arguments;

namespace FaasCluster.Bench.Tests.Arguments;

public sealed class BenchArgumentsTests
{
    [Fact]
    public void Nothing_MeansEverythingInFiveRounds()
    {
        var arguments = BenchArguments.Read([], out var problem);

        Assert.Null(problem);
        Assert.Equal(["latency", "throughput", "overload", "memory", "burst", "coldstart"], arguments!.Scenarios);
        Assert.Equal(5, arguments.Rounds);
        Assert.Null(arguments.JsonFile);
    }

    [Fact]
    public void Words_InAnyOrder_AreRead()
    {
        var arguments = BenchArguments.Read(["--json", "out.json", "coldstart", "--rounds", "7", "latency"], out _);

        Assert.Equal(["latency", "coldstart"], arguments!.Scenarios);
        Assert.Equal(7, arguments.Rounds);
        Assert.Equal("out.json", arguments.JsonFile);
    }

    [Theory]
    [InlineData("speed", "'speed'")]
    [InlineData("--rounds", "''")]
    [InlineData("--rounds 0", "'0'")]
    [InlineData("--rounds x", "'x'")]
    [InlineData("--json", "name of a file")]
    public void Nonsense_IsNamed(string line, string expected)
    {
        Assert.Null(BenchArguments.Read(line.Split(' '), out var problem));
        Assert.Contains(expected, problem);
    }
}
