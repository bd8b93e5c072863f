using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Dispatches;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using Microsoft.AspNetCore.Mvc;

namespace FaasCluster.Gateway.Functions;

/// <summary>Deploys, lists, describes and deletes functions.</summary>
internal static class FunctionEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/functions").WithTags("Functions");
        group.MapPost("", DeployAsync).WithSummary("Deploy a function: every deployment makes a new revision")
            .WithDescription("multipart/form-data: part 'package' (a .zip, or one source file with its file name), part 'manifest' (function.yaml; may be left out if the .zip has one).")
            .Produces<FunctionDescription>(201).Produces<Problem>(400, Problem.MediaType);
        group.MapGet("", ListAsync).WithSummary("List functions in the order of their names").Produces<Page<FunctionDescription>>();
        group.MapGet("/{name}", DescribeAsync).WithSummary("Describe a function").Produces<FunctionDescription>().Produces<Problem>(404, Problem.MediaType);
        group.MapGet("/{name}/revisions", RevisionsAsync).WithSummary("List the revisions of a function, newest first").Produces<Page<FunctionDescription>>();
        group.MapDelete("/{name}", DeleteAsync).WithSummary("Delete a function: what waits ends as cancelled")
            .Produces(204).Produces<Problem>(404, Problem.MediaType);
    }

    private static async Task<IResult> DeployAsync(
        HttpContext context,
        [FromServices] DeployGate gate,
        [FromServices] DestinationCheck destinations,
        [FromServices] Deployment deployment,
        [FromServices] FunctionDescriptions descriptions)
    {
        using var turn = await gate.EnterAsync(context.RequestAborted);
        var (form, problem) = await DeployFormReader.ReadAsync(context.Request, context.RequestAborted);
        if (form is null)
        {
            return problem!;
        }

        if (DeployCheck.Check(form, out var errors) is not var (manifest, zip))
        {
            return ProblemAnswer.Invalid(errors);
        }

        if (destinations.Check(context.AccountId(), manifest) is { Count: > 0 } wrong)
        {
            return ProblemAnswer.Invalid(wrong);
        }

        var revision = await deployment.DeployAsync(context.AccountId(), manifest, zip, context.RequestAborted);
        context.Response.Headers.Location = $"/api/functions/{manifest.Name}";
        return Results.Json(descriptions.Describe(revision, context.Request), ApiJson.Default.FunctionDescription, statusCode: 201);
    }

    private static async Task<IResult> ListAsync(HttpContext context, IFunctionStore store, FunctionDescriptions descriptions, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "cursor", "limit");
        var limit = query.Limit();
        var after = query.Text("cursor");
        if (after is not null && !ManifestReader.IsFunctionName(after))
        {
            query.Error("cursor", $"'{Shown.Text(after)}' is no cursor; expected the value of 'next' of the page before.");
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await store.ListAsync(context.AccountId(), after, Paging.Ask(limit), context.RequestAborted);
        return PageOf(found, limit, context, descriptions);
    }

    private static async Task<IResult> DescribeAsync(string name, HttpContext context, IFunctionStore store, FunctionDescriptions descriptions)
    {
        if (FunctionNames.Refuse(name) is { } problem)
        {
            return problem;
        }

        return await store.FindAsync(context.AccountId(), name, context.RequestAborted) is { } revision
            ? Results.Json(descriptions.Describe(revision, context.Request), ApiJson.Default.FunctionDescription)
            : ProblemAnswer.NoFunction(name);
    }

    private static async Task<IResult> RevisionsAsync(
        string name, HttpContext context, IFunctionStore store, FunctionDescriptions descriptions, TimeProvider time)
    {
        if ((FunctionNames.Refuse(name) ?? new QueryParameters(context, time).Problem) is { } problem)
        {
            return problem;
        }

        var revisions = await store.ListRevisionsAsync(context.AccountId(), name, context.RequestAborted);
        return revisions.Count == 0 ? ProblemAnswer.NoFunction(name) : PageOf(revisions, int.MaxValue, context, descriptions);
    }

    private static async Task<IResult> DeleteAsync(
        string name,
        HttpContext context,
        IFunctionStore store,
        IControlBus bus,
        FunctionCache cache,
        FunctionRemoval removal,
        ILogger<FunctionRemoval> logger)
    {
        if (FunctionNames.Refuse(name) is { } problem)
        {
            return problem;
        }

        var accountId = context.AccountId();
        if (await store.DeleteAsync(accountId, name, context.RequestAborted) is not { } functionId)
        {
            return ProblemAnswer.NoFunction(name);
        }

        // From here on nothing stops it: the function is gone, and what belonged to it has to follow.
        cache.Forget(accountId, name);
        await bus.PublishAsync(new FunctionChanged { FunctionId = functionId, AccountId = accountId, Name = name, Revision = 0 }, CancellationToken.None);
        await removal.RemoveAsync(functionId);
        Log.Deleted(logger, name, accountId);
        return Results.NoContent();
    }

    private static IResult PageOf(IReadOnlyList<FunctionRevision> found, int limit, HttpContext context, FunctionDescriptions descriptions)
    {
        var page = new Page<FunctionDescription>
        {
            Items = [.. found.Take(limit).Select(revision => descriptions.Describe(revision, context.Request))],
            Next = Paging.Next(found, limit, revision => revision.Manifest.Name),
        };
        return Results.Json(page, ApiJson.Default.PageFunctionDescription);
    }
}
