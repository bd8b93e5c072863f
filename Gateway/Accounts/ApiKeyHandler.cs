using System.Text.Encodings.Web;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Problems;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Accounts;

/// <summary>
/// Authenticates by API key: <c>Authorization: Bearer</c>, <c>Faas-Key</c>, or HTTP Basic with the key as the password (for browsers).
/// </summary>
internal sealed class ApiKeyHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, KeyCache keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "ApiKey";

    private static readonly AuthenticateResult Unknown = AuthenticateResult.Fail("The key is unknown.");

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (!ApiKey.TryRead(Request.Headers, out var key, out _))
        {
            return AuthenticateResult.NoResult();
        }

        return await keys.FindAsync(key, Context.RequestAborted) is { } ticket ? AuthenticateResult.Success(ticket) : Unknown;
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => ChallengeAsync(Context);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        ProblemAnswer.For(ErrorCode.Forbidden).ExecuteAsync(Context);

    /// <summary>401; also for function URLs, which decide for themselves who may call.</summary>
    public static Task ChallengeAsync(HttpContext context)
    {
        // Only pages for browsers ask by Basic: it makes them show a dialogue.
        var forBrowsers = context.Request.Path.StartsWithSegments("/docs") || context.Request.Path.StartsWithSegments("/openapi");
        context.Response.Headers.WWWAuthenticate = forBrowsers ? "Basic realm=\"FaasCluster\", charset=\"UTF-8\"" : "Bearer realm=\"FaasCluster\"";
        var detail = ApiKey.TryRead(context.Request.Headers, out _, out var header)
            ? $"The key in {header} is unknown; expected a key of this installation."
            : "The request has no key; send it as 'Authorization: Bearer KEY' or 'Faas-Key: KEY'.";
        return ProblemAnswer.For(ErrorCode.Unauthorized, detail).ExecuteAsync(context);
    }
}
