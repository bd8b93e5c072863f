using FaasCluster.Chaos.Arguments;

namespace FaasCluster.Chaos.Tests;

public sealed class ArgumentsTests
{
    [Fact]
    public void Command_OfWhatWasRead_RepeatsIt()
    {
        string[] words = ["--minutes", "1.5", "--seed", "7", "--nodes", "3", "--faults", "store"];
        var arguments = ChaosArguments.Read(words, out var problem);

        Assert.Null(problem);
        Assert.Equal("tests/Chaos/run --minutes 1.5 --seed 7 --nodes 3 --faults \"store\"", arguments!.Command);
    }

    [Theory]
    [InlineData("--minutes", "0")]
    [InlineData("--seed", "-1")]
    [InlineData("--nodes", "2")]
    [InlineData("--nonsense", "2")]
    [InlineData("--embedded", "--control")]
    [InlineData("--faults", "")]
    public void Read_OfNonsense_SaysWhatIsWrong(string word, string value)
    {
        Assert.Null(ChaosArguments.Read([word, value], out var problem));
        Assert.NotEmpty(problem!);
    }
}
