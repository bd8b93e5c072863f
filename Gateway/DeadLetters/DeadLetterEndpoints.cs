using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.DeadLetters;

/// <summary>What ended other than well: looked at, re-driven, discarded.</summary>
internal static class DeadLetterEndpoints
{
    private const int StandardBatch = 100;
    private const string Batches = "A batch of at most 'limit' (100 unless given, 1000 at most), newest first: while the answer has 'next', pass it as 'cursor' to go on.";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/dead-letters").WithTags("Dead letters");
        group.MapGet("", ListAsync).WithSummary("List dead letters, newest invocation first").Produces<Page<DeadLetterDescription>>()
            .WithDescription("Query: function, state (open unless given; redriven, discarded, all), since and until (RFC 3339, or an age such as 1h), cursor, limit.");
        group.MapGet("/{id}", FindAsync).WithSummary("Describe a dead letter with its attempts and its event")
            .Produces<DeadLetterDescription>().Produces<Problem>(404, Problem.MediaType);
        group.MapPost("/{id}/redrive", RedriveAsync).WithSummary("Make a new invocation of a dead letter, once")
            .WithDescription("Query: revision (the current one unless given). A letter that is not open any more is answered with 409, which names what became of it.")
            .Produces<AcceptedDescription>(202).Produces<Problem>(404, Problem.MediaType).Produces<Problem>(409, Problem.MediaType);
        group.MapPost("/redrive", RedriveManyAsync).WithSummary("Re-drive open dead letters by filter").Produces<DeadLetterReport>()
            .WithDescription($"Query: function, since, until, revision (only together with function), cursor, limit. {Batches}");
        group.MapDelete("/{id}", DiscardAsync).WithSummary("Discard a dead letter").Produces(204)
            .Produces<Problem>(404, Problem.MediaType).Produces<Problem>(409, Problem.MediaType);
        group.MapDelete("", DiscardManyAsync).WithSummary("Discard open dead letters by filter").Produces<DeadLetterReport>()
            .WithDescription($"Query: function, since, until (one of the three at least; until=0s stands for all), cursor, limit. {Batches}");
    }

    private static async Task<IResult> ListAsync(HttpContext context, IDeadLetterStore store, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "function", "state", "since", "until", "cursor", "limit");
        var limit = query.Limit();
        var state = query.Choice("state", [.. DeadLetterStates.All, "all"]) ?? "open";
        var filter = Filter(context, query, limit) with { State = DeadLetterStates.TryParse(state, out var known) ? known : null };
        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await store.ListAsync(filter, context.RequestAborted);
        var page = new Page<DeadLetterDescription>
        {
            Items = [.. found.Take(limit).Select(DeadLetterDescriptions.Describe)],
            Next = Next(found, limit),
        };
        return Results.Json(page, ApiJson.Default.PageDeadLetterDescription);
    }

    private static async Task<IResult> FindAsync(
        string id, HttpContext context, IDeadLetterStore store, IEventStore events, IInvocationStore invocations, IOptions<PriceTable> prices)
    {
        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return InvocationEndpoints.NoId(id);
        }

        var accountId = context.AccountId();
        if (await store.FindAsync(accountId, invocationId, context.RequestAborted) is not { } letter
            || await invocations.FindAsync(accountId, invocationId, context.RequestAborted) is not { } details)
        {
            return NoLetter(invocationId);
        }

        var kept = await events.FindAsync(accountId, invocationId, context.RequestAborted);
        return Results.Json(DeadLetterDescriptions.Describe(letter, details, kept, prices.Value.Currency), ApiJson.Default.DeadLetterDescription);
    }

    private static async Task<IResult> RedriveAsync(string id, HttpContext context, IDeadLetterStore store, Restarts restarts, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "revision");
        var revision = query.Revision("revision");
        if (query.Problem is { } problem)
        {
            return problem;
        }

        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return InvocationEndpoints.NoId(id);
        }

        var accountId = context.AccountId();
        if (await store.FindAsync(accountId, invocationId, context.RequestAborted) is not { } letter)
        {
            return NoLetter(invocationId);
        }

        if (letter.State != DeadLetterState.Open)
        {
            return NotOpen(letter);
        }

        var outcome = await restarts.RedriveAsync(accountId, [letter], revision, TraceContext.Of(context), context.RequestAborted);
        if (outcome.Started.TryGetValue(invocationId, out var started))
        {
            return InvocationEndpoints.Accepted(context, started);
        }

        return outcome.Refused.TryGetValue(invocationId, out var refusal)
            ? ProblemAnswer.For(ErrorCode.Conflict, refusal)
            : NotOpen(await store.FindAsync(accountId, invocationId, context.RequestAborted) ?? letter);
    }

    private static async Task<IResult> RedriveManyAsync(HttpContext context, IDeadLetterStore store, Restarts restarts, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "function", "since", "until", "revision", "cursor", "limit");
        var limit = query.Limit(StandardBatch);
        var filter = Filter(context, query, limit);
        var revision = query.Revision("revision");
        if (revision is not null && filter.FunctionName is null)
        {
            query.Error("revision", "is that of one function; name it by 'function'.");
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await store.ListAsync(filter, context.RequestAborted);
        var outcome = await restarts.RedriveAsync(filter.AccountId, [.. found.Take(limit)], revision, TraceContext.Of(context), context.RequestAborted);
        var report = new DeadLetterReport
        {
            Count = outcome.Started.Count,
            Redriven = [.. outcome.Started.Select(pair => new RedriveDescription { Of = pair.Key, Id = pair.Value })],
            Skipped = [.. outcome.Refused.Select(pair => new SkippedDescription { Id = pair.Key, Reason = pair.Value })],
            Next = Next(found, limit),
        };
        return Results.Json(report, ApiJson.Default.DeadLetterReport);
    }

    private static async Task<IResult> DiscardAsync(string id, HttpContext context, IDeadLetterStore store)
    {
        if (!Guid.TryParseExact(id, "D", out var invocationId))
        {
            return InvocationEndpoints.NoId(id);
        }

        var accountId = context.AccountId();
        var discarded = await store.DiscardAsync(accountId, [invocationId], context.RequestAborted);
        if (discarded.Count == 1)
        {
            return Results.NoContent();
        }

        return await store.FindAsync(accountId, invocationId, context.RequestAborted) is { } letter ? NotOpen(letter) : NoLetter(invocationId);
    }

    private static async Task<IResult> DiscardManyAsync(HttpContext context, IDeadLetterStore store, TimeProvider time)
    {
        var query = new QueryParameters(context, time, "function", "since", "until", "cursor", "limit");
        var limit = query.Limit(StandardBatch);
        var filter = Filter(context, query, limit);

        // "DELETE /api/dead-letters/" with an id that got lost must not be "all of them".
        if (!context.Request.Query.ContainsKey("function") && !context.Request.Query.ContainsKey("since") && !context.Request.Query.ContainsKey("until"))
        {
            query.Error("function", "is missing; expected one of function, since and until (until=0s stands for all).");
        }

        if (query.Problem is { } problem)
        {
            return problem;
        }

        var found = await store.ListAsync(filter, context.RequestAborted);
        var discarded = await store.DiscardAsync(
            filter.AccountId, [.. found.Take(limit).Select(letter => letter.Invocation.InvocationId)], context.RequestAborted);
        return Results.Json(new DeadLetterReport { Count = discarded.Count, Next = Next(found, limit) }, ApiJson.Default.DeadLetterReport);
    }

    private static DeadLetterFilter Filter(HttpContext context, QueryParameters query, int limit)
    {
        var filter = new DeadLetterFilter
        {
            AccountId = context.AccountId(),
            FunctionName = query.FunctionName("function"),
            State = DeadLetterState.Open,
            Since = query.Instant("since"),
            Until = query.Instant("until"),
            Before = InvocationEndpoints.Cursor(query),
            Limit = Paging.Ask(limit),
        };
        if (filter.Since >= filter.Until)
        {
            query.Error("since", "is not before until; expected a span of time.");
        }

        return filter;
    }

    private static string? Next(IReadOnlyList<DeadLetter> found, int limit) =>
        Paging.Next(found, limit, letter => letter.Invocation.InvocationId.ToString("N"));

    private static ProblemAnswer NotOpen(DeadLetter letter)
    {
        var text = letter.State == DeadLetterState.Redriven
            ? $"The dead letter was re-driven already, as invocation {letter.RedrivenAs}, at {letter.SettledAt:u}. Nothing was changed; to run its event once more, replay it."
            : $"The dead letter was discarded at {letter.SettledAt:u}. Nothing was changed; to run its event all the same, replay it.";
        return new ProblemAnswer(ProblemAnswer.For(ErrorCode.Conflict, text).Problem with { InvocationId = letter.RedrivenAs });
    }

    private static ProblemAnswer NoLetter(Guid id) => ProblemAnswer.For(
        ErrorCode.NotFound, $"There is no dead letter {id} in this account: the invocation did not end as failed, expired or lost, or was synchronous, or is older than the retention.");
}
