namespace FaasCluster.Bench.Hosting;

/// <summary>What bench/run has started, and where everything lies.</summary>
internal sealed record BenchServers
{
    public required string Postgres { get; init; }

    public required string RabbitMq { get; init; }

    /// <summary>A temporary directory on the disk that the servers use.</summary>
    public required string WorkDirectory { get; init; }

    /// <summary>The checkout.</summary>
    public required string Root { get; init; }

    public static BenchServers FromEnvironment() => new()
    {
        Postgres = Require("FAAS_BENCH_POSTGRES"),
        RabbitMq = Require("FAAS_BENCH_RABBITMQ"),
        WorkDirectory = Require("FAAS_BENCH_WORK"),
        Root = Require("FAAS_BENCH_ROOT"),
    };

    /// <summary>The Release build of a host.</summary>
    public string Dll(string project) => Path.Combine(Root, project, "bin", "Release", "net10.0", $"FaasCluster.{project}.dll");

    private static string Require(string name) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value
            ? value
            : throw new BenchFailedException($"The environment variable {name} is not set; start the measurement with bench/run.");
}
