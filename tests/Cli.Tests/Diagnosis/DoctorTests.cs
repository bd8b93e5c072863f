using FaasCluster.Contracts.Api;
using Microsoft.AspNetCore.Http;

namespace FaasCluster.Cli.Tests.Diagnosis;

public sealed class DoctorTests
{
    [Fact]
    public async Task Doctor_AllWell_SaysSoAndEndsWith0()
    {
        await using var cluster = await StartAsync(Status(ready: true));
        using var run = await new CommandRun(cluster).RunAsync("doctor");

        Assert.Equal(0, run.ExitCode);
        Assert.DoesNotContain("BAD", run.Output);
        Assert.Contains("ok   broker", run.Output);
        Assert.Contains("worker-1", run.Output);
        Assert.Contains("3 warm, 256 of 4096 MB reserved, runtimes python3 nodejs", run.Output);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(503)]
    public async Task Doctor_ACheckFails_ShowsWhatToDoAndEndsWith3(int status)
    {
        await using var cluster = await StartAsync(Status(ready: false, "RabbitMQ refuses connections; start it."), status);
        using var run = await new CommandRun(cluster).RunAsync("doctor");

        Assert.Equal(3, run.ExitCode);
        Assert.Contains("BAD  broker      RabbitMQ refuses connections; start it.", run.Output);
    }

    [Fact]
    public async Task Doctor_OpenDeadLetters_AreSomethingToDoAndNothingBroken()
    {
        await using var cluster = await StartAsync(Status(ready: true) with { OpenDeadLetters = 3 });
        using var run = await new CommandRun(cluster).RunAsync("doctor");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("!!   letters     3 open dead letters", run.Output);
        await using var none = await StartAsync(Status(ready: true) with { OpenDeadLetters = 0 });
        using var quiet = await new CommandRun(none).RunAsync("doctor");
        Assert.DoesNotContain("letters", quiet.Output);
    }

    [Fact]
    public async Task Doctor_WorkerWithoutAWayOut_IsSomethingToDoAndNothingBroken()
    {
        var status = Status(ready: true);
        await using var cluster = await StartAsync(status with { Workers = [status.Workers[0] with { EgressProblem = "Functions cannot be connected to the outside on this host." }] });
        using var run = await new CommandRun(cluster).RunAsync("doctor");

        Assert.Equal(0, run.ExitCode);
        Assert.Contains("!!   worker worker-1  Functions cannot be connected to the outside on this host.", run.Output);
    }

    [Theory]
    [InlineData(0, 0, "ok   accepted    7 not ended yet: 2 in the outbox, 3 waiting in the broker, 2 held by workers")]
    [InlineData(1, 3, "BAD  accepted    1 of 7 that have not ended are nowhere")]
    public async Task Doctor_Conservation_IsCheckedFromBothSides(long missing, int exitCode, string said)
    {
        var counted = new ConservationStatus { CountedAt = Documents.Noon, Open = 7, Outbox = 2, Ready = 3, Held = 2, Dead = 0, Missing = missing };
        await using var cluster = await StartAsync(Status(ready: true) with { Conservation = counted });
        using var run = await new CommandRun(cluster).RunAsync("doctor");

        Assert.Equal(exitCode, run.ExitCode);
        Assert.Contains(said, run.Output);
    }

    [Fact]
    public async Task Doctor_WrongKey_EndsWith4()
    {
        await using var cluster = await StartAsync(Status(ready: true));
        using var run = await new CommandRun(cluster).With("FAAS_KEY", "faas_wrong_wrong_wrong").RunAsync("doctor");

        Assert.Equal(4, run.ExitCode);
        Assert.Contains("BAD  key", run.Output);
    }

    [Fact]
    public async Task Doctor_ClocksApart_SaysByHowMuch()
    {
        await using var cluster = await StartAsync(Status(ready: true));
        cluster.On("GET /healthz", context =>
        {
            context.Response.Headers.Date = DateTimeOffset.UtcNow.AddHours(-1).ToString("r");
            return context.Response.WriteAsync("ok");
        });
        using var run = await new CommandRun(cluster).RunAsync("doctor");

        Assert.Equal(3, run.ExitCode);
        Assert.Matches("BAD  clock       differs from the cluster's by (59 min|1 h)", run.Output);
    }

    [Fact]
    public async Task Doctor_NobodyThere_EndsWith3()
    {
        using var run = await new CommandRun().With("FAAS_URL", "http://127.0.0.1:1").RunAsync("doctor");

        Assert.Equal(3, run.ExitCode);
    }

    [Fact]
    public async Task Doctor_OtherVersion_SaysSo()
    {
        await using var cluster = await StartAsync(Status(ready: true) with { Version = "99.0.0" });
        using var run = await new CommandRun(cluster).RunAsync("doctor");

        Assert.Contains("BAD  version", run.Output);
    }

    private static async Task<ScriptedCluster> StartAsync(ClusterStatus status, int code = 200)
    {
        var cluster = await ScriptedCluster.StartAsync();
        return cluster.On("GET /healthz", context => context.Response.WriteAsync("ok")).On("GET /api/status", status, code);
    }

    private static ClusterStatus Status(bool ready, string? problem = null) => new()
    {
        Mode = "cluster",
        Version = typeof(Terminal).Assembly.GetName().Version!.ToString(3),
        Ready = ready,
        Checks = [new CheckResult { Name = "broker", Problem = problem }, new CheckResult { Name = "store" }],
        Workers =
        [
            new WorkerDescription
            {
                Id = "worker-1",
                SeenAt = DateTimeOffset.UtcNow,
                WarmFunctions = 3,
                MemoryMb = 4096,
                ReservedMb = 256,
                Runtimes = ["python3", "nodejs"],
                Draining = false,
            },
        ],
    };
}
