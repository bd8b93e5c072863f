namespace FaasCluster.Cli.Tests;

public sealed class UsageErrorTests
{
    private static readonly string[] Commands = ["deploy", "invoke", "call", "list", "describe", "logs", "invocations", "cancel", "dispatches", "resend", "replay", "dead-letters", "usage", "delete", "doctor"];

    public static TheoryData<string> EveryCommand => [.. Commands];

    [Theory]
    [MemberData(nameof(EveryCommand))]
    public async Task Help_OfEveryCommand_HasAnExample(string command)
    {
        using var run = await new CommandRun().RunAsync(command, "--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("Examples:", run.Output);
        Assert.Contains($"faas {command}", run.Output[run.Output.IndexOf("Examples:", StringComparison.Ordinal)..]);
        Assert.Equal("", run.Error);
    }

    [Theory]
    [InlineData("list")]
    [InlineData("show")]
    [InlineData("redrive")]
    [InlineData("discard")]
    public async Task Help_OfDeadLetters_NamesEveryCommandAndEachHasAnExample(string command)
    {
        using var whole = await new CommandRun().RunAsync("dead-letters", "--help");
        using var one = await new CommandRun().RunAsync("dead-letters", command, "--help");

        Assert.Matches($@"(?m)^\s+{command}\b", whole.Output);
        Assert.Contains($"faas dead-letters {command}", one.Output[one.Output.IndexOf("Examples:", StringComparison.Ordinal)..]);
    }

    [Theory]
    [MemberData(nameof(EveryCommand))]
    public async Task Help_OfTheWhole_NamesEveryCommand(string command)
    {
        using var run = await new CommandRun().RunAsync("--help");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches($@"(?m)^\s+{command}\b", run.Output);
    }

    [Fact]
    public async Task NoArguments_Always_ShowsTheHelp()
    {
        using var run = await new CommandRun().RunAsync();

        Assert.Equal(2, run.ExitCode);
        Assert.Contains("deploy", run.Output);
    }

    [Fact]
    public async Task Version_Always_IsPrinted()
    {
        using var run = await new CommandRun().RunAsync("--version");

        Assert.Equal(0, run.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+", run.Output);
    }

    [Theory]
    [InlineData("depoy", "Did you mean 'deploy'?")]
    [InlineData("lst", "Did you mean 'list'?")]
    [InlineData("list --outptu json", "Did you mean '--output'?")]
    [InlineData("invocations --sinse 1h", "Did you mean '--since'?")]
    [InlineData("invocations --status faild", "Did you mean 'failed'?")]
    [InlineData("list -o jsn", "json")]
    [InlineData("list extra", "'extra' is one argument too many")]
    [InlineData("invoke", "NAME")]
    [InlineData("frobnicate", "There is no command 'frobnicate'")]
    [InlineData("invocations --limit 0", "expected 1 to 10000")]
    [InlineData("invocations --limit x", "x")]
    [InlineData("logs hello --limit 9999", "expected 1 to 1000")]
    [InlineData("invoke hello --timeout 0", "expected 1 to")]
    [InlineData("invoke hello -d @missing.json", "-d @FILE sends a file")]
    [InlineData("invoke hello -d 1 -t nonsense", "content type")]
    [InlineData("dispatches --state ded", "Did you mean 'dead'?")]
    [InlineData("resend", "ID")]
    [InlineData("delete hello", "--yes")]
    [InlineData("dead-letters", "Required command")]
    [InlineData("dead-letters lst", "Did you mean 'list'?")]
    [InlineData("dead-letters list --stat open", "Did you mean '--state'?")]
    [InlineData("dead-letters list --state opne", "'faas dead-letters list --help'")]
    [InlineData("dead-letters show", "ID")]
    [InlineData("dead-letters redrive", "--all")]
    [InlineData("dead-letters redrive 1 --function hello", "either an ID")]
    [InlineData("dead-letters redrive --all --wait", "together with an ID")]
    [InlineData("dead-letters redrive --all --revision x", "x")]
    [InlineData("dead-letters discard", "--all")]
    [InlineData("dead-letters discard --all", "--yes")]
    [InlineData("replay", "ID")]
    [InlineData("deploy missing", "missing")]
    [InlineData("deploy", "function.yaml")]
    public async Task WrongUsage_OfEveryKind_EndsWith2AndSaysWhat(string line, string said)
    {
        await using var cluster = await ScriptedCluster.StartAsync();
        using var run = await new CommandRun(cluster).RunAsync(line.Split(' '));

        Assert.Equal(2, run.ExitCode);
        Assert.Contains(said, run.Error);
        Assert.StartsWith("Error: ", run.Error);
        Assert.Equal("", run.Output);
        Assert.Empty(cluster.Requests);
        Assert.DoesNotContain("   at ", run.Error);
    }
}
