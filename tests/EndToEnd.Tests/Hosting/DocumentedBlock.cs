using System.Text.RegularExpressions;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>A fenced block of a page; its promise is the block of text that stands directly below it.</summary>
internal sealed partial record DocumentedBlock(string Language, string Text, string? Promise)
{
    /// <summary>The blocks of a page of the repository, in their order.</summary>
    public static IReadOnlyList<DocumentedBlock> Read(string page) =>
    [
        .. FencedBlock().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)))
            .Select(match => new DocumentedBlock(match.Groups[1].Value, match.Groups[2].Value, match.Groups[3].Success ? match.Groups[3].Value : null)),
    ];

    /// <summary>Types the block as a reader would, and compares what it prints with what the page promises.</summary>
    public Task RunAsync(Workplace place, RunScript run) => RunAsync(place, run.Url, () => run.Output);

    /// <summary>The same, beside something else than <c>./run</c>.</summary>
    /// <param name="place">Where it is typed.</param>
    /// <param name="url">The address of what runs there.</param>
    /// <param name="said">What that said, for a failing test.</param>
    public async Task RunAsync(Workplace place, string url, Func<string> said)
    {
        var (status, output, error) = await place.RunAsync(Text.Trim().Replace("http://127.0.0.1:8080", url, StringComparison.Ordinal));
        Assert.True(status == 0, $"{Text}\nended with {status}:\n{output}\n{error}\n{said()}");
        if (Promise is not null)
        {
            Assert.Equal(Normalise(Promise), Normalise(output));
        }
    }

    // Figures differ from run to run, and so do the spaces that align them.
    private static string Normalise(string text) => string.Join('\n', text.Trim().Split('\n').Select(line => Spaces().Replace(Figures().Replace(line.Trim(), "#"), " ")));

    [GeneratedRegex(@"^```(\w+)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex FencedBlock();

    [GeneratedRegex(@"ready in \d+\.\d s|127\.0\.0\.1:\d+|\d+(?:\.\d)? k?B\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")]
    private static partial Regex Figures();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
