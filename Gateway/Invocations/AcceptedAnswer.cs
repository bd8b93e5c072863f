using System.Text.Json;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Gateway.Invocations;

/// <summary>The 202.</summary>
internal static class AcceptedAnswer
{
    public static async Task WriteAsync(HttpContext context, InvocationMessage message)
    {
        var id = message.InvocationId.ToString();
        var location = $"/api/invocations/{id}";
        var response = context.Response;
        response.StatusCode = StatusCodes.Status202Accepted;
        response.Headers[HeaderNames.InvocationId] = id;
        response.Headers.Location = location;
        response.Headers["Preference-Applied"] = Preference.RespondAsync;
        response.Headers.TraceParent = message.TraceParent;
        response.ContentType = "application/json";
        var description = new AcceptedDescription
        {
            Id = message.InvocationId,
            Location = location,
            DueAt = message.DueAt > message.AcceptedAt ? message.DueAt : null,
        };
        var body = JsonSerializer.SerializeToUtf8Bytes(description, ApiJson.Default.AcceptedDescription);
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }
}
