using Microsoft.AspNetCore.Authorization;
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
            .WithOpenApiRoutePattern("/openapi/v1.json")
            .DisableDefaultFonts()
            .DisableTelemetry()).Finally(Close);
        routes.MapGet("/", () => Results.Redirect("/docs")).ExcludeFromDescription();
    }

    // The page's own script comes open; here nothing does that is not on the list.
    private static void Close(EndpointBuilder endpoint)
    {
        foreach (var open in endpoint.Metadata.OfType<IAllowAnonymous>().Cast<object>().ToArray())
        {
            endpoint.Metadata.Remove(open);
        }
    }
}
