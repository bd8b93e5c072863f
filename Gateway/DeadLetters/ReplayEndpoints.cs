using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;
using Microsoft.Net.Http.Headers;

namespace FaasCluster.Gateway.DeadLetters;

/// <summary>The event of an ended invocation, and running it once more.</summary>
internal static class ReplayEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/invocations").WithTags("Invocations");
        group.MapPost("/{id}/replay", ReplayAsync).WithSummary("Make a new invocation of an ended asynchronous one")
            .WithDescription("Query: revision (the one that it ran with unless given), destinations=suppress (no destination hears of the new one).")
            .Produces<AcceptedDescription>(202).Produces<Problem>(404, Problem.MediaType).Produces<Problem>(409, Problem.MediaType);
        group.MapGet("/{id}/event", EventAsync).WithSummary("The event of an ended asynchronous invocation, as it was sent")
            .Produces(200).Produces<Problem>(404, Problem.MediaType);
    }

    private static async Task<IResult> ReplayAsync(string id, HttpContext context, IInvocationStore store, InvocationFinder finder, Restarts restarts, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "revision", "destinations");
        var revision = query.Revision("revision");
        var suppress = query.Choice("destinations", ["suppress"]) is not null;
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return InvocationEndpoints.NoId(id);
        }

        var accountId = context.AccountId();
        if ((await store.FindAsync(accountId, invocationId, context.RequestAborted))?.Summary is not { } old)
        {
            return await finder.FindAsync(accountId, invocationId, context.RequestAborted) is { } waiting
                ? NotEnded(invocationId, waiting.State)
                : InvocationEndpoints.NoInvocation(invocationId);
        }

        if (!old.State.IsTerminal())
        {
            return NotEnded(invocationId, old.State.ToWire());
        }

        if (old.Kind != InvocationKind.Asynchronous)
        {
            return ProblemAnswer.For(ErrorCode.Conflict, $"Invocation {invocationId} was synchronous: its event is not kept, its caller has it. Call the function again.");
        }

        var (started, refusal) = await restarts.ReplayAsync(old, revision, suppress, TraceContext.Of(context), context.RequestAborted);
        return started is { } newId ? InvocationEndpoints.Accepted(context, newId) : ProblemAnswer.For(ErrorCode.Conflict, refusal);
    }

    private static async Task<IResult> EventAsync(string id, HttpContext context, IEventStore events)
    {
        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return InvocationEndpoints.NoId(id);
        }

        if (await events.FindAsync(context.AccountId(), invocationId, context.RequestAborted) is not { } kept)
        {
            return ProblemAnswer.For(ErrorCode.NotFound, $"No event of an invocation {invocationId} is kept in this account.");
        }

        // Anybody may have sent it: a browser saves it and takes it for nothing that it could show or run.
        context.Response.Headers.XContentTypeOptions = "nosniff";
        var contentType = MediaTypeHeaderValue.TryParse(kept.Message.ContentType, out var parsed) ? parsed.ToString() : "application/octet-stream";
        return Results.Bytes(kept.Body, contentType, $"{invocationId}.event");
    }

    private static ProblemAnswer NotEnded(Guid id, string state) =>
        ProblemAnswer.For(ErrorCode.Conflict, $"Invocation {id} is {state}; only what has ended can be replayed. It still runs by itself, or 'cancel' ends it.");
}
