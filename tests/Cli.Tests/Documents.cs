using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Tests;

/// <summary>Documents as a cluster would answer them.</summary>
internal static class Documents
{
    public static readonly Guid InvocationId = Guid.Parse("0195a3c2-7b1e-7c3d-9f00-2b6f6f0f8a11");
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    public static FunctionDescription Function(string name = "hello", int revision = 1) => new()
    {
        Name = name,
        Id = Guid.Parse("0195a3c2-0000-7000-8000-000000000001"),
        Revision = revision,
        Runtime = "python3",
        Handler = "app.hello_world",
        Signature = "auto",
        MemoryMb = 128,
        WaitTimeoutMs = 30_000,
        InitTimeoutMs = 10_000,
        TimeoutMs = 30_000,
        Network = "none",
        UrlAuth = "none",
        Environment = ["SIZE"],
        Retries = 2,
        PackageBytes = 2_100,
        PackageSha256 = new string('a', 64),
        DeployedAt = Noon,
        Url = $"http://127.0.0.1:8080/fn/{name}",
    };

    public static InvocationDescription Invocation(string state = "succeeded", ErrorDescription? error = null, ResultDescription? result = null) => new()
    {
        Id = InvocationId,
        Function = "hello",
        Revision = 1,
        Kind = "asynchronous",
        Trigger = "api",
        State = state,
        Attempt = 1,
        AcceptedAt = Noon,
        EndedAt = state is "queued" or "running" ? null : Noon.AddMilliseconds(1234),
        Error = error,
        Result = result,
        Attempts =
        [
            new AttemptDescription
            {
                Attempt = 1,
                StartedAt = Noon,
                EndedAt = Noon.AddMilliseconds(3),
                QueueMs = 0.6,
                StartMs = 2.1,
                InitMs = 0,
                RunMs = 0.3,
                Cold = true,
                MemoryMb = 128,
                PeakMemoryMb = 18.2,
                Worker = "worker-1",
                BilledMs = 1,
                GbSeconds = 0.000125m,
                Cost = 0.0000002m,
                Currency = "USD",
                TraceId = "4bf92f3577b34da6a3ce929d0e0e4736",
            },
        ],
    };
}
