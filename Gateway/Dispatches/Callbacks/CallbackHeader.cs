using System.Net;
using FaasCluster.Contracts.Topology;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Gateway.Problems;

namespace FaasCluster.Gateway.Dispatches.Callbacks;

/// <summary>Reads the URL to which the end of a call is to be posted.</summary>
internal sealed class CallbackHeader(AddressGuard guard)
{
    private const int LongestUrl = 2048;

    /// <summary>The URL, null without the header; or why the call is refused.</summary>
    public (Uri? Url, ProblemAnswer? Problem) Read(HttpContext context)
    {
        var values = context.Request.Headers[HeaderNames.CallbackUrl];
        if (values.Count == 0)
        {
            return default;
        }

        var text = values.Count == 1 ? values[0]! : "";
        return Refuse(context, values.Count, text) is { } problem
            ? (null, ProblemAnswer.Invalid(HeaderNames.CallbackUrl, problem))
            : (new Uri(text, UriKind.Absolute), null);
    }

    private string? Refuse(HttpContext context, int count, string text)
    {
        if (count > 1)
        {
            return $"is there {count} times; expected one URL.";
        }

        if (!Preference.IsAsynchronous(context.Request.Headers))
        {
            return "belongs to an asynchronous call; add 'Prefer: respond-async', or leave it out: this call has its answer itself.";
        }

        // Open URLs are for everybody, and everybody could have this cluster post to whom they please.
        if (context.FindAccountId() is null)
        {
            return "needs a key, also where the function's URL is open; call with one, or leave it out.";
        }

        if (text.Length > LongestUrl)
        {
            return $"has {text.Length} characters; at most {LongestUrl} are allowed.";
        }

        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.Host.Length == 0)
        {
            return $"'{Shown.Text(text)}' is no URL; expected http://HOST/PATH or https://HOST/PATH.";
        }

        if (url.UserInfo.Length > 0 || url.Fragment.Length > 0)
        {
            return "holds a user or a fragment, neither of which is sent; put what identifies the call into path or query.";
        }

        // Names are looked up when it is sent. An address is told at once; Uri has read its odd forms, such as 0x7f.1, already.
        return IPAddress.TryParse(url.DnsSafeHost, out var address) && !guard.Allows(address)
            ? $"'{Shown.Text(url.Host)}' is a private, loopback or reserved address, which callbacks may not reach; an operator can allow networks by Destinations:AllowedNetworks."
            : null;
    }
}
