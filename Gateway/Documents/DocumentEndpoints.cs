using Scalar.AspNetCore;

namespace FaasCluster.Gateway.Documents;

/// <summary>The description of the API, for programs and for people. Closed like everything else.</summary>
internal static class DocumentEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapOpenApi("/openapi/{documentName}.json");
        routes.MapScalarApiReference("/docs", options => options
            .WithTitle("FaasCluster")
            .WithOpenApiRoutePattern("/openapi/v1.json"));
        routes.MapGet("/", () => Results.Redirect("/docs")).ExcludeFromDescription();
    }
}
