using FaasCluster.Contracts.Api;

namespace FaasCluster.Gateway.Health;

/// <summary>The process, the readiness of what it needs, and the cluster as its operator sees it.</summary>
internal static class HealthEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        string[] methods = ["GET", "HEAD"];
        routes.MapMethods("/healthz", methods, () => "ok").AllowAnonymous()
            .WithTags("Health").WithSummary("The process alone");
        routes.MapMethods("/readyz", methods, ReadyAsync).AllowAnonymous()
            .WithTags("Health").WithSummary("Broker, store and at least one worker").Produces<ClusterStatus>().Produces<ClusterStatus>(503);
        routes.MapGet("/api/status", StatusAsync)
            .WithTags("Health").WithSummary("Checks with their reasons, and workers").Produces<ClusterStatus>();
    }

    // Open to everybody: says what fails, but not why, because reasons name hosts.
    private static async Task<IResult> ReadyAsync(StatusReader reader, HttpContext context)
    {
        var status = await reader.ReadAsync(context.RequestAborted);
        var shown = status with
        {
            Workers = [],
            OpenDeadLetters = null,
            Conservation = null,
            Checks = [.. status.Checks.Select(check => check with { Problem = check.Problem is null ? null : "failed; GET /api/status says why" })],
        };
        return Results.Json(shown, ApiJson.Default.ClusterStatus, statusCode: status.Ready ? 200 : 503);
    }

    private static async Task<IResult> StatusAsync(StatusReader reader, HttpContext context) =>
        Results.Json(await reader.ReadAsync(context.RequestAborted), ApiJson.Default.ClusterStatus);
}
