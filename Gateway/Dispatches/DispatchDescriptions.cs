using FaasCluster.Contracts.Api;
using FaasCluster.Storage.Dispatches;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>Turns dispatches into the API's documents.</summary>
internal static class DispatchDescriptions
{
    public static DispatchDescription Describe(Dispatch dispatch) => new()
    {
        InvocationId = dispatch.InvocationId,
        Function = dispatch.FunctionName,
        Kind = dispatch.Kind.ToWire(),
        Target = Target(dispatch),
        State = dispatch.State.ToWire(),
        Attempts = dispatch.Attempts,
        LastError = dispatch.LastError,
        CreatedAt = dispatch.CreatedAt,
        DueAt = dispatch.State == DispatchState.Waiting ? dispatch.DueAt : null,
        EndedAt = dispatch.EndedAt,
        BecameInvocation = dispatch is { Kind: DispatchKind.Function, State: DispatchState.Delivered } ? dispatch.DispatchId : null,
    };

    private static string Target(Dispatch dispatch) => dispatch.Kind switch
    {
        DispatchKind.Queue when dispatch.Exchange == "" => $"{dispatch.RoutingKey} ({dispatch.Target})",
        DispatchKind.Queue => $"{dispatch.Exchange} {dispatch.RoutingKey} ({dispatch.Target})",

        // A query may be a secret between the caller and the receiver.
        DispatchKind.Callback => new Uri(dispatch.Target).GetLeftPart(UriPartial.Path),
        _ => dispatch.Target,
    };
}
