using System.Diagnostics;
using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.DeadLetters;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Testing;

namespace FaasCluster.Gateway.Tests.Problems;

/// <summary>A gateway of the embedded mode whose data lies on a small file system of its own.</summary>
public sealed class SmallDiskGateway : EmbeddedGateway
{
    private bool isMounted;

    /// <summary>Why there is none; null if there is.</summary>
    public string? Problem { get; private set; }

    protected override async Task<Dictionary<string, string?>?> PrepareAsync()
    {
        Problem = await RunAsync("mount", "-t", "tmpfs", "-o", "size=24m", "faas-test", Data);
        isMounted = Problem is null;
        return isMounted ? await base.PrepareAsync() : null;
    }

    protected override async Task CleanUpAsync()
    {
        if (isMounted)
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();

            // At once, also while a process that another test starts has not let go of this one's files yet.
            Assert.Null(await RunAsync("umount", "--lazy", Data));
        }

        await base.CleanUpAsync();
    }

    private static async Task<string?> RunAsync(string command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? null : $"'{command}' ended with {process.ExitCode}: {error}";
    }
}

public sealed class DiskFullTests(SmallDiskGateway gateway) : IClassFixture<SmallDiskGateway>
{
    [Fact]
    public async Task Fault09_DiskOfTheEmbeddedModeFull_RefusesInsteadOfAFalse202AndRecoversWhenThereIsSpace()
    {
        Assert.SkipWhen(gateway.Problem is not null, $"A file system of its own needs root. {gateway.Problem}");
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var accepted = new List<Guid>();
        var filler = Path.Combine(gateway.Data, "filler");

        // 1. Full to the last block, and then by what is accepted.
        await FillAsync(filler);
        HttpStatusCode status;
        do
        {
            status = await SubmitAsync(name, accepted);
            Assert.True(accepted.Count < 2_000, "A full disk takes events without end.");
        }
        while (status == HttpStatusCode.Accepted);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);

        // 2. Space is made: nothing has to be started again.
        File.Delete(filler);
        await Eventually.TrueAsync(async () => await SubmitAsync(name, accepted) == HttpStatusCode.Accepted, "events are accepted again");

        // 3. Whatever was accepted ends.
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var submissions = new Submissions(gateway);
        foreach (var id in accepted)
        {
            Assert.Equal("succeeded", (await submissions.FindAsync(await submissions.EndAsync(id))).State);
        }

        Assert.Equal(accepted.Order(), worker.Taken.Select(message => message.InvocationId).Distinct().Order());
    }

    private static async Task FillAsync(string path)
    {
        var block = new byte[4096];
        await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            while (true)
            {
                await file.WriteAsync(block);
            }
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private async Task<HttpStatusCode> SubmitAsync(string name, List<Guid> accepted)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/fn/{name}") { Content = new ByteArrayContent(new byte[50_000]) };
        request.Headers.Add("Prefer", "respond-async");
        using var response = await gateway.Client.SendAsync(request);
        if (response.StatusCode == HttpStatusCode.Accepted)
        {
            accepted.Add((await response.ReadAsync(ApiJson.Default.AcceptedDescription)).Id);
        }

        return response.StatusCode;
    }
}
