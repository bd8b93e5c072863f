using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>Whom the ends of invocations were told, and above all those that nobody took.</summary>
internal static class DispatchEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/dispatches").WithTags("Invocations");
        group.MapGet("", ListAsync).WithSummary("List destinations and callbacks of ended invocations, newest first")
            .WithDescription("Query: function, state (waiting, delivered or dead), cursor, limit.").Produces<Page<DispatchDescription>>();
        group.MapPost("/{invocationId}/{kind}/resend", ResendAsync).WithSummary("Send again what was given up")
            .WithDescription("kind: function, queue or callback. The maximum age begins anew. 409 if it is not dead.").Produces<DispatchDescription>(202);
    }

    private static async Task<IResult> ListAsync(HttpContext context, IDispatchStore store, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "function", "state", "cursor", "limit");
        var limit = query.Limit();
        var filter = new DispatchFilter
        {
            AccountId = context.AccountId(),
            FunctionName = query.FunctionName("function"),
            State = State(query),
            After = Cursor(query),
            Limit = Paging.Ask(limit),
        };
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await store.ListAsync(filter, context.RequestAborted);

        return Results.Json(
            new Page<DispatchDescription>
            {
                Items = [.. found.Take(limit).Select(DispatchDescriptions.Describe)],
                Next = Paging.Next(found, limit, row => $"{row.InvocationId:N}.{row.Kind.ToWire()}"),
            },
            ApiJson.Default.PageDispatchDescription);
    }

    private static async Task<IResult> ResendAsync(string invocationId, string kind, HttpContext context, IDispatchStore store, IInvocationStore invocations)
    {
        if (!Guid.TryParseExact(invocationId, "D", out var id))
        {
            return ProblemAnswer.Invalid("invocationId", $"'{Shown.Text(invocationId)}' is no id of an invocation.");
        }

        if (!DispatchNames.KindNames.Contains(kind))
        {
            return ProblemAnswer.Invalid("kind", $"'{Shown.Text(kind)}' is no kind; expected {string.Join(", ", DispatchNames.KindNames)}.");
        }

        var wanted = DispatchNames.ParseKind(kind);
        var isSent = await store.ResendAsync(context.AccountId(), id, wanted, context.RequestAborted);
        var details = await invocations.FindAsync(context.AccountId(), id, context.RequestAborted);
        return details?.Dispatches.FirstOrDefault(dispatch => dispatch.Kind == wanted) switch
        {
            null => ProblemAnswer.For(ErrorCode.NotFound, $"Nothing is told to a {kind} about invocation {id}; GET /api/dispatches lists what is told to whom."),
            { } found when isSent => Results.Json(DispatchDescriptions.Describe(found), ApiJson.Default.DispatchDescription, statusCode: StatusCodes.Status202Accepted),
            { } found => ProblemAnswer.For(ErrorCode.Conflict, $"It is {found.State.ToWire()}; only what is dead can be sent again."),
        };
    }

    private static DispatchState? State(QueryParameters query)
    {
        if (query.Text("state") is not { } text)
        {
            return null;
        }

        if (DispatchNames.StateNames.Contains(text))
        {
            return DispatchNames.ParseState(text);
        }

        query.Error("state", $"'{Shown.Text(text)}' is no state; expected {string.Join(", ", DispatchNames.StateNames)}.");
        return null;
    }

    private static (Guid InvocationId, DispatchKind Kind)? Cursor(QueryParameters query)
    {
        if (query.Text("cursor") is not { } text)
        {
            return null;
        }

        var parts = text.Split('.');
        if (parts.Length == 2 && Guid.TryParseExact(parts[0], "N", out var id) && DispatchNames.KindNames.Contains(parts[1]))
        {
            return (id, DispatchNames.ParseKind(parts[1]));
        }

        query.Error("cursor", $"'{Shown.Text(text)}' is no cursor; use the one of the previous page.");
        return null;
    }
}
