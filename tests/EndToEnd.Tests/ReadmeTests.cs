using System.Text.RegularExpressions;
using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Every command of the README, in its order, as a reader would type it, with the output that it promises.</summary>
public sealed partial class ReadmeTests
{
    /// <summary>A fenced block; its promise is the block of text that stands directly below it.</summary>
    private sealed record Block(string Language, string Text, string? Promise);

    [Fact]
    public async Task Readme_EveryCommand_DoesWhatItSays()
    {
        using var place = new Workplace();
        File.Copy(Photographs.Butterfly, place.PathOf("photo.jpg"));
        var blocks = Read();
        var commands = 0;
        RunScript? run = null;
        try
        {
            foreach (var block in blocks.Where(block => block.Language == "sh"))
            {
                commands++;
                var text = block.Text.Trim();
                if (text.StartsWith("./run", StringComparison.Ordinal))
                {
                    await StopAsync(run, place);
                    run = null;
                    run = await RunScript.StartAsync(place, $"{text["./run".Length..]} --data {(text.Contains("--cluster", StringComparison.Ordinal) ? ".faas-cluster" : ".faas")}");
                    continue;
                }

                Assert.NotNull(run);
                var (status, output, error) = await place.RunAsync(text.Replace("http://127.0.0.1:8080", run.Url, StringComparison.Ordinal));
                Assert.True(status == 0, $"{text}\nended with {status}:\n{output}\n{error}\n{run.Output}");
                if (block.Promise is { } promise)
                {
                    Assert.Equal(Normalise(promise), Normalise(output));
                }
            }

            await StopAsync(run, place);
            run = null;
        }
        finally
        {
            if (run is not null)
            {
                await run.DisposeAsync();
            }
        }

        Assert.True(commands >= 8, $"Only {commands} blocks of commands were found in README.md.");
        Assert.Equal(400, Photographs.SizeOf(await File.ReadAllBytesAsync(place.PathOf("small.jpg"))).Width);
    }

    private static async Task StopAsync(RunScript? run, Workplace place)
    {
        if (run is null)
        {
            return;
        }

        Assert.True(await run.StopAsync() == 0, run.Output);
        await run.DisposeAsync();
        Assert.Empty(place.Processes());
    }

    private static List<Block> Read() =>
    [
        .. FencedBlock().Matches(File.ReadAllText(Path.Combine(Repository.Root, "README.md")))
            .Select(match => new Block(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Success ? match.Groups[3].Value : null)),
    ];

    // Figures differ from run to run, and so do the spaces that align them.
    private static string Normalise(string text) => string.Join('\n', text.Trim().Split('\n').Select(line => Spaces().Replace(Figures().Replace(line.Trim(), "#"), " ")));

    [GeneratedRegex(@"^```(\w+)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex FencedBlock();

    [GeneratedRegex(@"ready in \d+\.\d s|127\.0\.0\.1:\d+|\d+ B\b")]
    private static partial Regex Figures();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
