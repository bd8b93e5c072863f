using System.Diagnostics;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Gateway.Telemetry;

/// <summary>The gateway's spans. Nothing is made while nobody listens.</summary>
internal static class GatewayActivities
{
    private static readonly ActivitySource Source = new(TelemetryNames.Source);

    /// <summary>The publishing of an invocation, and for a synchronous one the wait for its answer: the parent of what the worker does.</summary>
    public static Activity? StartPublish(FunctionRevision revision, InvocationKind kind)
    {
        var exchange = kind == InvocationKind.Synchronous ? BrokerNames.Invoke : BrokerNames.Async;
        var activity = Source.HasListeners() ? Source.StartActivity($"publish {exchange}", ActivityKind.Producer) : null;
        activity?.SetTag(TelemetryNames.FaasName, revision.Manifest.Name).SetTag(TelemetryNames.FaasVersion, revision.Revision);
        return activity;
    }

    /// <summary>Says which invocation a span is about, and how it failed.</summary>
    public static void Describe(this Activity? activity, Guid invocationId, ErrorCode? error)
    {
        if (activity is null)
        {
            return;
        }

        activity.SetTag(TelemetryNames.FaasInvocationId, invocationId.ToString());
        if (error is { } code)
        {
            activity.SetTag(TelemetryNames.ErrorType, code.ToWire()).SetStatus(ActivityStatusCode.Error);
        }
    }
}
