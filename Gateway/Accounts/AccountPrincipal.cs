using System.Security.Claims;

namespace FaasCluster.Gateway.Accounts;

/// <summary>Who sent a request: an account. Shared by all requests with one key, so it is never changed.</summary>
internal sealed class AccountPrincipal : ClaimsPrincipal
{
    public AccountPrincipal(string accountId)
        : base(new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, accountId)], ApiKeyHandler.SchemeName)) => AccountId = accountId;

    public string AccountId { get; }
}

internal static class AccountExtensions
{
    /// <summary>The account of an authenticated request.</summary>
    public static string AccountId(this HttpContext context) => ((AccountPrincipal)context.User).AccountId;

    /// <summary>The account of the request, or null if it came without a valid key.</summary>
    public static string? FindAccountId(this HttpContext context) => (context.User as AccountPrincipal)?.AccountId;
}
