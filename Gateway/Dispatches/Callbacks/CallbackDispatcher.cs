using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Storage.Dispatches;

namespace FaasCluster.Gateway.Dispatches.Callbacks;

/// <summary>Posts ends of invocations to the URLs that their callers named. Any answer of 200 to 299 is taken for received.</summary>
internal sealed class CallbackDispatcher(CallbackClient client, TimeProvider time) : IDispatcher
{
    private static readonly ProductInfoHeaderValue UserAgent = new("FaasCluster", typeof(CallbackDispatcher).Assembly.GetName().Version?.ToString(3) ?? "0");

    public DispatchKind Kind => DispatchKind.Callback;

    public async Task<DispatchResult> DeliverAsync(Dispatch dispatch, CancellationToken cancellationToken)
    {
        using var request = MakeRequest(dispatch);
        try
        {
            var (status, retryAfter) = await client.SendAsync(request, cancellationToken);
            return (int)status is >= 200 and < 300 ? DispatchResult.Delivered : Refused(status, retryAfter);
        }
        catch (CallbackRefusedException exception)
        {
            return DispatchResult.Refused(exception.Message);
        }
        catch (HttpRequestException exception)
        {
            return DispatchResult.Failed($"The receiver could not be reached: {Innermost(exception)}");
        }
    }

    private static HttpRequestMessage MakeRequest(Dispatch dispatch)
    {
        var content = new ReadOnlyMemoryContent(dispatch.Body);

        // Functions choose it: what is no content type must not fail the callback.
        content.Headers.ContentType = MediaTypeHeaderValue.TryParse(dispatch.ContentType, out var type) ? type : new("application/octet-stream");
        var request = new HttpRequestMessage(HttpMethod.Post, dispatch.Target) { Content = content };
        request.Headers.UserAgent.Add(UserAgent);
        request.Headers.Add(HeaderNames.InvocationId, dispatch.InvocationId.ToString());
        request.Headers.Add(HeaderNames.Status, dispatch.Outcome.ToWire());
        request.Headers.Add(HeaderNames.CallbackAttempt, dispatch.Attempts.ToString(CultureInfo.InvariantCulture));
        if (dispatch.ErrorCode is { } code)
        {
            request.Headers.Add(HeaderNames.Error, code.ToWire());
        }

        if (dispatch.TraceParent is { } trace)
        {
            request.Headers.TryAddWithoutValidation("traceparent", trace);
        }

        return request;
    }

    private DispatchResult Refused(HttpStatusCode status, RetryConditionHeaderValue? retryAfter) => (int)status switch
    {
        >= 300 and < 400 => DispatchResult.Failed($"The receiver answered {(int)status}, a redirect; expected 200 to 299. Redirects are not followed: name the last URL."),
        410 => DispatchResult.Refused("The receiver answered 410: it is gone for good."),
        var number => DispatchResult.Failed($"The receiver answered {number}; expected 200 to 299.") with
        {
            RetryAfter = retryAfter switch
            {
                { Delta: { } delta } => delta,
                { Date: { } date } => date - time.GetUtcNow(),
                _ => null,
            },
        },
    };

    private static string Innermost(Exception exception)
    {
        while (exception.InnerException is { } inner)
        {
            exception = inner;
        }

        return exception.Message;
    }
}
