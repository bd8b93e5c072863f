using FaasCluster.Cli.Deploying;

namespace FaasCluster.Cli.Tests.Deploying;

public sealed class IgnoreFileTests
{
    // The expectations were checked with git check-ignore.
    [Theory]
    [InlineData("*.log", "a.log", false, true)]
    [InlineData("*.log", "deep/in/a.log", false, true)]
    [InlineData("*.log", "a.log.txt", false, false)]
    [InlineData("/a.txt", "a.txt", false, true)]
    [InlineData("/a.txt", "b/a.txt", false, false)]
    [InlineData("build/", "build", true, true)]
    [InlineData("build/", "build", false, false)]
    [InlineData("build/", "src/build", true, true)]
    [InlineData("doc/*.txt", "doc/a.txt", false, true)]
    [InlineData("doc/*.txt", "doc/b/a.txt", false, false)]
    [InlineData("doc/*.txt", "x/doc/a.txt", false, false)]
    [InlineData("**/foo", "foo", false, true)]
    [InlineData("**/foo", "a/b/foo", false, true)]
    [InlineData("abc/**", "abc/x/y", false, true)]
    [InlineData("a/**/b", "a/b", false, true)]
    [InlineData("a/**/b", "a/x/y/b", false, true)]
    [InlineData("?.py", "a.py", false, true)]
    [InlineData("?.py", "ab.py", false, false)]
    [InlineData("[ab].py", "b.py", false, true)]
    [InlineData("[!ab].py", "b.py", false, false)]
    [InlineData("[!ab].py", "c.py", false, true)]
    [InlineData("[a-c].py", "b.py", false, true)]
    [InlineData("a+b", "a+b", false, true)]
    [InlineData("a+b", "aab", false, false)]
    [InlineData("\\#x", "#x", false, true)]
    [InlineData("#x", "#x", false, false)]
    [InlineData("*.log\n!keep.log", "keep.log", false, false)]
    [InlineData("!keep.log\n*.log", "keep.log", false, true)]
    [InlineData("a.txt  \r\nb.txt", "a.txt", false, true)]
    [InlineData("", "a.txt", false, false)]
    [InlineData("[", "[", false, true)]
    public void Ignores_Path_IsAsGitHasIt(string patterns, string path, bool isDirectory, bool ignored) =>
        Assert.Equal(ignored, IgnoreFile.Parse(patterns).Ignores(path, isDirectory));

    [Fact]
    public void Ignores_Itself_Always() => Assert.True(IgnoreFile.Parse("").Ignores(".faasignore", isDirectory: false));
}
