using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Tests.Functions;

public sealed class SuggestionTests
{
    private static readonly string[] Known = ["deploy", "invoke", "list", "logs"];

    [Theory]
    [InlineData("depoy", "deploy")]
    [InlineData("DEPLOY", "deploy")]
    [InlineData("lits", "list")]
    [InlineData("log", "logs")]
    [InlineData("ivnoke", "invoke")]
    public void For_NearWord_FindsIt(string word, string expected) => Assert.Equal(expected, Suggestion.For(word, Known));

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("something")]
    [InlineData("deplooooy")]
    public void For_FarWord_FindsNothing(string word) => Assert.Null(Suggestion.For(word, Known));

    [Fact]
    public void For_EndlessWord_FindsNothing() => Assert.Null(Suggestion.For(new string('a', 100_000), Known));
}
