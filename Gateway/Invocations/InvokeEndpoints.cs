using FaasCluster.Contracts.Accounts;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Dispatches.Callbacks;
using FaasCluster.Gateway.Functions;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;
using FaasCluster.Storage;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Calls functions: by the API, and by their URLs.</summary>
internal sealed class InvokeEndpoints(
    FunctionCache functions, SynchronousCaller caller, AsynchronousSubmitter submitter, CallbackHeader callbacks, IOptions<StorageOptions> storage, TimeProvider time)
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(
                "/api/functions/{name}/invocations",
                (HttpContext context, string name, InvokeEndpoints endpoints) => endpoints.InvokeAsync(context, name))
            .WithTags("Invocations").WithSummary("Invoke a function with the body as its event")
            .WithDescription("Answers with the function's payload as it is; with 'Prefer: respond-async' answers 202 as soon as the invocation is safe, and posts its end to the URL in 'Faas-Callback-Url'. "
                + "Then 'Faas-Delay' (30s, 5m, 2h, 1d) or 'Faas-At' (RFC 3339) says when it is due. "
                + "'Idempotency-Key' names the request for a day: sent again it is not carried out again but answered as it was, with 'Idempotent-Replayed: true'; "
                + "422 if the key was sent with another request, 409 while the first one is still being answered.")
            .Produces(200).Produces<AcceptedDescription>(202).Produces<Problem>(409, Problem.MediaType).Produces<Problem>(422, Problem.MediaType)
            .Produces<Problem>(429, Problem.MediaType).Produces<Problem>(502, Problem.MediaType);

        // Open here, because each function says who may call it.
        routes.Map("/fn/{name}/{**path}", context => context.RequestServices.GetRequiredService<InvokeEndpoints>().CallUrlAsync(context))
            .AllowAnonymous();
    }

    private async Task InvokeAsync(HttpContext context, string name)
    {
        if (FunctionNames.Refuse(name) is { } problem)
        {
            await problem.ExecuteAsync(context);
        }
        else if (await functions.FindAsync(context.AccountId(), name, context.RequestAborted) is { } revision)
        {
            await RunAsync(context, revision, TriggerKind.Api);
        }
        else
        {
            await ProblemAnswer.NoFunction(name).ExecuteAsync(context);
        }
    }

    private async Task CallUrlAsync(HttpContext context)
    {
        var name = (string)context.Request.RouteValues["name"]!;
        var accountId = context.FindAccountId();

        // Without a key the URLs of the default account are meant: it is the one that a name alone can speak of.
        var revision = ManifestReader.IsFunctionName(name)
            ? await functions.FindAsync(accountId ?? WellKnownAccounts.Default, name, context.RequestAborted)
            : null;
        if (accountId is null && revision?.Manifest.UrlAuth != UrlAuth.None)
        {
            // The same answer whether the function is missing or closed: names are not to be guessed.
            await ApiKeyHandler.ChallengeAsync(context);
        }
        else if (revision is not null)
        {
            await RunAsync(context, revision, TriggerKind.Http);
        }
        else
        {
            await (FunctionNames.Refuse(name) ?? ProblemAnswer.NoFunction(name)).ExecuteAsync(context);
        }
    }

    private Task RunAsync(HttpContext context, FunctionRevision revision, TriggerKind trigger)
    {
        var terms = RequestTerms.Read(context.Request, storage, time, out var problem);
        var (callback, wrongCallback) = callbacks.Read(context);
        return terms is null || wrongCallback is not null
            ? (problem ?? wrongCallback)!.ExecuteAsync(context)
            : terms.IsAsynchronous
                ? submitter.SubmitAsync(context, revision, trigger, terms, callback)
                : caller.CallAsync(context, revision, trigger, terms);
    }
}
