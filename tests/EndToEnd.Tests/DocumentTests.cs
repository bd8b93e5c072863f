using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Pages whose commands run as they stand beside a <c>./run</c>, with the output that they promise.</summary>
public sealed class DocumentTests
{
    // One after the other on one host, which takes longer to start than most of them to try.
    [Fact]
    public async Task Documents_EveryCommand_DoesWhatItSays()
    {
        using var place = new Workplace();
        await using var run = await RunScript.StartAsync(place, "--data .faas");
        foreach (var page in new[] { "docs/dead-letters.md", "docs/streaming.md", "docs/calling.md" })
        {
            var commands = DocumentedBlock.Read(page).Where(block => block.Language == "sh").ToList();
            Assert.NotEmpty(commands);
            foreach (var command in commands)
            {
                await command.RunAsync(place, run);
            }
        }
    }
}
