using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FaasCluster.Gateway.Tests.Hosting;
using Microsoft.AspNetCore.Routing;

namespace FaasCluster.Gateway.Tests.Accounts;

public sealed class KeyTests(EmbeddedGateway gateway) : IClassFixture<EmbeddedGateway>
{
    // The only routes that answer without a key. Whoever adds one has to say so here.
    private static readonly string[] Open = ["/healthz", "/readyz"];

    [Fact]
    public async Task EveryRoute_WithoutAKey_Is401()
    {
        var endpoints = gateway.Get<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToArray();
        Assert.True(endpoints.Length >= 14, $"only {endpoints.Length} routes were found");
        foreach (var endpoint in endpoints)
        {
            var pattern = "/" + endpoint.RoutePattern.RawText!.TrimStart('/');
            if (Open.Contains(pattern))
            {
                continue;
            }

            var path = string.Join('/', endpoint.RoutePattern.PathSegments.Select(segment =>
                string.Concat(segment.Parts.Select(part => part is Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal ? literal.Content : "x"))));
            var methods = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];
            foreach (var method in methods)
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), "/" + path);
                using var response = await gateway.Anonymous.SendAsync(request);
                Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {pattern} answered {(int)response.StatusCode} without a key");
            }
        }
    }

    [Theory]
    [InlineData("GET", "/nothing/here")]
    [InlineData("PATCH", "/api/functions")]
    [InlineData("GET", "/")]
    [InlineData("GET", "/docs")]
    [InlineData("GET", "/openapi/v1.json")]
    public async Task Paths_WithoutAKey_DoNotTellWhetherTheyExist(string method, string path)
    {
        using var response = await gateway.Anonymous.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        await response.ProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.NotEmpty(response.Headers.WwwAuthenticate);
    }

    [Fact]
    public async Task FunctionUrl_WithoutAKey_DoesNotTellWhetherTheFunctionExists()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        using var closed = await gateway.Anonymous.GetAsync($"/fn/{name}");
        using var missing = await gateway.Anonymous.GetAsync($"/fn/{Api.NewName()}");
        using var impossible = await gateway.Anonymous.GetAsync($"/fn/{new string('A', 300)}");
        Assert.Equal(Shape(closed), Shape(missing));
        Assert.Equal(Shape(closed), Shape(impossible));
        var first = await closed.ProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        var second = await missing.ProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
        Assert.Equal(first with { TraceId = null }, second with { TraceId = null });
    }

    [Theory]
    [InlineData("Authorization", "Bearer " + GatewayFixture.Key)]
    [InlineData("Authorization", "bearer   " + GatewayFixture.Key)]
    [InlineData("Faas-Key", GatewayFixture.Key)]
    public async Task Key_InEitherHeader_LetsIn(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/functions");
        request.Headers.TryAddWithoutValidation(header, value);
        using var response = await gateway.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Key_AsPasswordOfABrowser_LetsIn()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/openapi/v1.json");
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("me:" + GatewayFixture.Key)));
        using var response = await gateway.Anonymous.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var asked = await gateway.Anonymous.GetAsync("/docs");
        Assert.Equal("Basic", asked.Headers.WwwAuthenticate.Single().Scheme);
    }

    [Theory]
    [InlineData("Authorization", "Bearer wrong-key-0123456789")]
    [InlineData("Authorization", "Bearer " + GatewayFixture.Key + "x")]
    [InlineData("Authorization", "Basic !!!")]
    [InlineData("Authorization", "Basic bm9jb2xvbg==")]
    [InlineData("Authorization", "Digest x")]
    [InlineData("Authorization", GatewayFixture.Key)]
    [InlineData("Faas-Key", "' OR 1=1 --")]
    public async Task Key_ThatIsWrong_Is401(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/functions");
        request.Headers.TryAddWithoutValidation(header, value);
        using var response = await gateway.Anonymous.SendAsync(request);
        await response.ProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Key_OfThousandsOfCharacters_Is401()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/functions");
        request.Headers.TryAddWithoutValidation("Faas-Key", new string('k', 5000));
        using var response = await gateway.Anonymous.SendAsync(request);
        await response.ProblemAsync(HttpStatusCode.Unauthorized, "unauthorized");
    }

    [Fact]
    public async Task Logs_AfterCallsWithKeys_HoldNoKey()
    {
        using (await gateway.Client.GetAsync("/api/functions"))
        using (await gateway.Connect("wrong-key-0123456789abcdef").GetAsync("/api/functions"))
        {
        }

        Assert.DoesNotContain(gateway.Log.Lines, line => line.Text.Contains(GatewayFixture.Key) || line.Text.Contains("wrong-key"));
    }

    [Fact]
    public async Task Documents_WithAKey_DescribeTheApi()
    {
        var text = await gateway.Client.GetStringAsync("/openapi/v1.json");
        Assert.Contains("/api/functions/{name}/invocations", text);
        Assert.Contains("/api/usage", text);
        Assert.Contains("/api/dead-letters/{id}/redrive", text);
        Assert.Contains("/api/invocations/{id}/replay", text);
        using var docs = await gateway.Client.GetAsync("/docs");
        Assert.True(docs.StatusCode is HttpStatusCode.OK or HttpStatusCode.Found or HttpStatusCode.MovedPermanently, docs.StatusCode.ToString());
    }

    private static string Shape(HttpResponseMessage response) =>
        $"{response.StatusCode} {string.Join(',', response.Headers.Select(header => header.Key).Order())}";
}
