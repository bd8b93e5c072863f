using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace FaasCluster.Chaos.Tests;

/// <summary>Short rounds of the harness as it is run by hand; docs/reliability.md has the long ones.</summary>
public sealed partial class RoundTests
{
    private static readonly string Script = Path.Combine(Repository.Root, "tests", "Chaos", "run");

    [Fact]
    public async Task TwoMinutes_OfAClusterUnderFaults_BreakNoPromise()
    {
        var (status, output) = await RunAsync("--minutes", "2", "--seed", Seed());

        Assert.True(status == 0, output);
        var line = Line().Match(output);
        Assert.True(line.Success, output);
        Assert.True(int.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture) > 500, output);
        Assert.True(int.Parse(line.Groups[2].Value, CultureInfo.InvariantCulture) >= 3, output);
    }

    [Fact]
    public async Task AThirdOfAMinute_OfTheEmbeddedModeKilledAgainAndAgain_BreaksNoPromise()
    {
        var (status, output) = await RunAsync("--minutes", "0.35", "--seed", Seed(), "--embedded", "--faults", "killed,crashed");

        Assert.True(status == 0, output);
        Assert.True(Line().Match(output) is { Success: true } line && line.Groups[2].Value != "0", output);
    }

    [Fact]
    public async Task WorkersThatAcknowledgeBeforeTheyCommit_AreCaughtLosing()
    {
        // The control: a harness that finds nothing here proves nothing above.
        var (status, output) = await RunAsync("--minutes", "0.4", "--seed", Seed(), "--control");

        Assert.True(status == 0, output);
        Assert.Contains("caught losing, as it must be", output);
    }

    // Another one at each run: the output names it.
    private static string Seed() => Random.Shared.Next(1_000_000).ToString(CultureInfo.InvariantCulture);

    private static async Task<(int Status, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Script, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var run = Process.Start(start)!;
        var output = run.StandardOutput.ReadToEndAsync();
        var error = run.StandardError.ReadToEndAsync();
        await run.WaitForExitAsync();
        return (run.ExitCode, $"{string.Join(' ', arguments)}\n{await output}{await error}");
    }

    [GeneratedRegex(@"^(\d+) accepted, (\d+) faults of \d+ kinds, lost 0, duplicate records 0, duplicate bills 0, unknown \d+, ", RegexOptions.Multiline)]
    private static partial Regex Line();
}
