using FaasCluster.Contracts;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Invocations;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Gateway.DeadLetters;

/// <summary>Turns dead letters and events into the API's documents.</summary>
internal static class DeadLetterDescriptions
{
    public static DeadLetterDescription Describe(DeadLetter letter)
    {
        var invocation = InvocationDescriptions.Describe(letter.Invocation);
        return new DeadLetterDescription
        {
            Id = invocation.Id,
            Function = invocation.Function,
            Revision = invocation.Revision,
            State = letter.State.ToWire(),
            Reason = invocation.State,
            Attempt = invocation.Attempt,
            AcceptedAt = invocation.AcceptedAt,
            EndedAt = invocation.EndedAt!.Value,
            Error = invocation.Error,
            SettledAt = letter.SettledAt,
            RedrivenAs = letter.RedrivenAs,
            RedriveOf = invocation.RedriveOf,
        };
    }

    public static DeadLetterDescription Describe(DeadLetter letter, InvocationDetails details, KeptEvent? kept, string currency) => Describe(letter) with
    {
        Attempts = InvocationDescriptions.Describe(details, currency).Attempts,
        Event = kept is null ? null : Describe(letter.Invocation.InvocationId, kept),
    };

    private static EventDescription Describe(Guid invocationId, KeptEvent kept) => new()
    {
        Bytes = kept.Body.Length,
        ContentType = kept.Message.ContentType,
        Method = kept.Message.Http?.Method,
        Path = kept.Message.Http is { } http ? (http.Query.Length == 0 ? http.Path : $"{http.Path}?{http.Query}") : null,
        Text = kept.Body.Length <= Limits.KeptEventBytes ? InvocationDescriptions.TryText(kept.Body) : null,
        Location = $"/api/invocations/{invocationId}/event",
    };
}
