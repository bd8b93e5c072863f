using FaasCluster.EndToEnd.Tests.Hosting;

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Every command of the README, in its order, as a reader would type it, with the output that it promises.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task Readme_EveryCommand_DoesWhatItSays()
    {
        using var place = new Workplace();
        File.Copy(Photographs.Butterfly, place.PathOf("photo.jpg"));
        var blocks = DocumentedBlock.Read("README.md");
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
                await block.RunAsync(place, run);
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
        await place.WhenLeftAsync();
    }
}
