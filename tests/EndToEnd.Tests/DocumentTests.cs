using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Pages whose commands run as they stand beside a <c>./run</c>, with the output that they promise.</summary>
public sealed class DocumentTests
{
    [Theory]
    [InlineData("docs/dead-letters.md")]
    [InlineData("docs/streaming.md")]
    public async Task Document_EveryCommand_DoesWhatItSays(string page)
    {
        using var place = new Workplace();
        var commands = DocumentedBlock.Read(page).Where(block => block.Language == "sh").ToList();
        Assert.NotEmpty(commands);
        await using var run = await RunScript.StartAsync(place, "--data .faas");
        foreach (var command in commands)
        {
            await command.RunAsync(place, run);
        }
    }
}
