using FaasCluster.Gateway.Health;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace FaasCluster.Gateway.Documents;

/// <summary>What the description of the API says beyond what the routes say themselves: who may call, and how functions are called.</summary>
internal sealed class ApiDocument : IOpenApiDocumentTransformer
{
    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "FaasCluster",
            Version = StatusReader.Version,
            Description =
                "Functions are called at `/fn/{name}/{path}` with any method; `Prefer: respond-async` makes it a 202. "
                + "Errors are problem details (`application/problem+json`) with a `code` and the `fault`: function, caller or platform.",
        };
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["Bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A key of the account." },
        };
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("Bearer", document)] = [] }];
        return Task.CompletedTask;
    }
}
