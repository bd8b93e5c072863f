using System.Globalization;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Logs;

namespace FaasCluster.Gateway.Invocations;

/// <summary>What became of invocations, and what functions printed.</summary>
internal static class InvocationEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/invocations").WithTags("Invocations");
        group.MapGet("", ListAsync).WithSummary("List invocations, newest first").Produces<Page<InvocationDescription>>()
            .WithDescription("Query: function, state, since and until (RFC 3339, or an age such as 1h), cursor, limit.");
        group.MapGet("/{id}", FindAsync).WithSummary("Describe an invocation, also while it waits")
            .Produces<InvocationDescription>().Produces<Problem>(404, Problem.MediaType);
        group.MapPost("/{id}/cancel", CancelAsync).WithSummary("Cancel an invocation that waits or runs")
            .WithDescription("The record turns cancelled at once and stays so; a run is killed, a synchronous caller is answered. Repeating it does no harm.")
            .Produces<InvocationDescription>().Produces<Problem>(404, Problem.MediaType).Produces<Problem>(409, Problem.MediaType);
        group.MapGet("/{id}/logs", LogsAsync).WithSummary("What the function printed").Produces<Page<LogLineDescription>>()
            .WithDescription("Query: cursor, limit.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, IInvocationStore store, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "function", "state", "since", "until", "cursor", "limit");
        var limit = query.Limit();
        var filter = new InvocationFilter
        {
            AccountId = context.AccountId(),
            FunctionName = query.FunctionName("function"),
            State = query.State("state"),
            Since = query.Instant("since"),
            Until = query.Instant("until"),
            Before = Cursor(query),
            Limit = Paging.Ask(limit),
        };
        if (filter.Since >= filter.Until)
        {
            query.Error("since", "is not before until; expected a span of time.");
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await store.ListAsync(filter, context.RequestAborted);
        var page = new Page<InvocationDescription>
        {
            Items = [.. found.Take(limit).Select(InvocationDescriptions.Describe)],
            Next = Paging.Next(found, limit, row => row.InvocationId.ToString("N")),
        };
        return Results.Json(page, ApiJson.Default.PageInvocationDescription);
    }

    private static async Task<IResult> FindAsync(string id, HttpContext context, InvocationFinder finder)
    {
        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return NoId(id);
        }

        return await finder.FindAsync(context.AccountId(), invocationId, context.RequestAborted) is { } description
            ? Results.Json(description, ApiJson.Default.InvocationDescription)
            : NoInvocation(invocationId);
    }

    private static async Task<IResult> CancelAsync(string id, HttpContext context, Cancellation cancellation, InvocationFinder finder)
    {
        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return NoId(id);
        }

        var accountId = context.AccountId();
        return await cancellation.CancelAsync(accountId, invocationId, context.RequestAborted) switch
        {
            InvocationState.Cancelled when await finder.FindAsync(accountId, invocationId, context.RequestAborted) is { } description =>
                Results.Json(description, ApiJson.Default.InvocationDescription),
            { } ended and not InvocationState.Cancelled => new ProblemAnswer(
                ProblemAnswer.For(ErrorCode.Conflict, $"The invocation has ended already: it is {ended.ToWire()}. Nothing was changed.").Problem with { InvocationId = invocationId }),
            _ => NoInvocation(invocationId),
        };
    }

    private static async Task<IResult> LogsAsync(string id, HttpContext context, ILogStore logs, InvocationFinder finder, TimeProvider time)
    {
        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return NoId(id);
        }

        var query = new QueryParameters(context, time, "cursor", "limit");
        var limit = query.Limit(standard: QueryParameters.MaximumLimit);
        var after = LogCursor(query);
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var accountId = context.AccountId();
        var lines = await logs.ReadAsync(accountId, invocationId, after, limit + 1, context.RequestAborted);
        if (lines.Count == 0 && await finder.FindAsync(accountId, invocationId, context.RequestAborted) is null)
        {
            return NoInvocation(invocationId);
        }

        var page = new Page<LogLineDescription>
        {
            Items = [.. lines.Take(limit).Select(Describe)],
            Next = lines.Count > limit ? string.Create(CultureInfo.InvariantCulture, $"{lines[limit - 1].Attempt}.{lines[limit - 1].Sequence}") : null,
        };
        return Results.Json(page, ApiJson.Default.PageLogLineDescription);
    }

    private static LogLineDescription Describe(LogLine line) =>
        new() { Time = line.Time, Attempt = line.Attempt, Stream = line.Stream, Text = line.Text };

    /// <summary>Where the page before ended.</summary>
    internal static Guid? Cursor(QueryParameters query)
    {
        if (query.Text("cursor") is not { } text)
        {
            return null;
        }

        if (Guid.TryParseExact(text, "N", out var id))
        {
            return id;
        }

        NoCursor(query, text);
        return null;
    }

    private static (int Attempt, int Sequence)? LogCursor(QueryParameters query)
    {
        if (query.Text("cursor") is not { } text)
        {
            return null;
        }

        var dot = text.IndexOf('.');
        if (dot > 0 && int.TryParse(text.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var attempt)
            && int.TryParse(text.AsSpan(dot + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            return (attempt, sequence);
        }

        NoCursor(query, text);
        return null;
    }

    private static void NoCursor(QueryParameters query, string text) =>
        query.Error("cursor", $"'{Shown.Text(text)}' is no cursor; expected the value of 'next' of the page before.");

    /// <summary>202 for a new invocation.</summary>
    internal static IResult Accepted(HttpContext context, Guid id)
    {
        var location = $"/api/invocations/{id}";
        context.Response.Headers[HeaderNames.InvocationId] = id.ToString();
        context.Response.Headers.Location = location;
        return Results.Json(new AcceptedDescription { Id = id, Location = location }, ApiJson.Default.AcceptedDescription, statusCode: StatusCodes.Status202Accepted);
    }

    internal static ProblemAnswer NoId(string id) =>
        ProblemAnswer.Invalid("id", $"'{Shown.Text(id)}' is no invocation id; expected a UUID such as 0198c0de-0000-7000-8000-000000000000.");

    internal static ProblemAnswer NoInvocation(Guid id) => ProblemAnswer.For(
        ErrorCode.NotFound, $"There is no invocation {id} in this account; it was never accepted, or it is older than the retention.");
}
