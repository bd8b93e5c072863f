using System.Net;
using FaasCluster.Gateway.Tests.Hosting;

namespace FaasCluster.Gateway.Tests.Problems;

public sealed class BadInputTests(EmbeddedGateway gateway) : IClassFixture<EmbeddedGateway>
{
    public static TheoryData<string, string> Queries => new()
    {
        { "/api/functions?limit=abc", "limit" },
        { "/api/functions?limit=0", "limit" },
        { "/api/functions?limit=1001", "limit" },
        { "/api/functions?limit=-1", "limit" },
        { "/api/functions?limit=99999999999999999999", "limit" },
        { "/api/functions?limit=", "limit" },
        { "/api/functions?limit=1&limit=2", "limit" },
        { "/api/functions?cursor=UPPER", "cursor" },
        { "/api/functions?cursor=%00", "cursor" },
        { "/api/functions?limti=3", "limti" },
        { "/api/functions/UPPER", "name" },
        { "/api/functions/%ED%A0%80", "name" },
        { "/api/functions/" + new string('a', 300), "name" },
        { "/api/functions/a%0Ab/revisions", "name" },
        { "/api/invocations?state=foo", "state" },
        { "/api/invocations?state=Queued", "state" },
        { "/api/invocations?since=banana", "since" },
        { "/api/invocations?since=2026-13-45T00:00:00Z", "since" },
        { "/api/invocations?since=1h&until=2h", "since" },
        { "/api/invocations?until=999999999d", "until" },
        { "/api/invocations?since=0001-01-01", "since" },
        { "/api/invocations?cursor=x", "cursor" },
        { "/api/invocations?cursor=%FF%FE", "cursor" },
        { "/api/invocations?function=%00", "function" },
        { "/api/invocations?function=" + new string('a', 300), "function" },
        { "/api/invocations/12", "id" },
        { "/api/invocations/%7B0198c0de-0000-7000-8000-000000000000%7D", "id" },
        { "/api/invocations/12/logs", "id" },
        { "/api/invocations/0198c0de-0000-7000-8000-000000000000/logs?cursor=-1.-1", "cursor" },
        { "/api/invocations/0198c0de-0000-7000-8000-000000000000/logs?cursor=1", "cursor" },
        { "/api/usage?since=yesterday", "since" },
        { "/api/usage?until=1970-01-01", "since" },
        { "/fn/UPPER", "name" },
        { "/fn/" + new string('a', 300), "name" },
    };

    [Theory]
    [MemberData(nameof(Queries))]
    public async Task Fault24_BadInputOfAnyKind_IsRefusedByField(string path, string field)
    {
        using var response = await gateway.Client.GetAsync(path);
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Contains(problem.Errors!, error => error.Field == field);
        Assert.Equal("caller", problem.Fault);
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error);
    }

    [Theory]
    [InlineData("/api/invocations/0198c0de-0000-7000-8000-000000000000")]
    [InlineData("/api/invocations/0198c0de-0000-7000-8000-000000000000/logs")]
    [InlineData("/api/functions/none")]
    [InlineData("/fn/none")]
    [InlineData("/no/such/route")]
    public async Task Things_ThatAreNotThere_Are404(string path)
    {
        using var response = await gateway.Client.GetAsync(path);
        var problem = await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        Assert.NotNull(problem.TraceId);
    }

    [Fact]
    public async Task Method_ThatIsNotPossible_Is405WithThoseThatAre()
    {
        using var response = await gateway.Client.PutAsync("/api/functions", null);
        var problem = await response.ProblemAsync(HttpStatusCode.MethodNotAllowed, "not_supported");
        Assert.Contains("POST", problem.Detail);
    }
}
