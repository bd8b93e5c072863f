using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Billing;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Storage.Usage;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Usage;

/// <summary>What the functions of an account used and cost.</summary>
internal static class UsageEndpoints
{
    private static readonly TimeSpan StandardSpan = TimeSpan.FromDays(30);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/api/usage", ReportAsync).WithTags("Usage").WithSummary("Usage and cost by function").Produces<UsageReport>()
            .WithDescription("Query: since (default 30 days ago) and until (default now), RFC 3339 or an age such as 7d. Counts invocations that were accepted in that span.");

    private static async Task<IResult> ReportAsync(HttpContext context, IUsageStore store, IOptions<PriceTable> prices, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "since", "until");
        var until = query.Instant("until") ?? time.GetUtcNow();
        var since = query.Instant("since") ?? (until - DateTimeOffset.UnixEpoch > StandardSpan ? until - StandardSpan : DateTimeOffset.UnixEpoch);
        if (since >= until)
        {
            query.Error("since", "is not before until; expected a span of time.");
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var usage = await store.ByFunctionAsync(context.AccountId(), since, until, context.RequestAborted);
        var report = new UsageReport
        {
            Since = since,
            Until = until,
            Currency = prices.Value.Currency,
            Functions =
            [
                .. usage.Select(line => new UsageLine
                {
                    Function = line.FunctionName,
                    Attempts = line.Attempts,
                    Errors = line.Errors,
                    ColdStarts = line.ColdStarts,
                    BilledMs = line.BilledMilliseconds,
                    GbSeconds = line.GigabyteSeconds,
                    Cost = line.Cost,
                }),
            ],
        };
        return Results.Json(report, ApiJson.Default.UsageReport);
    }
}
