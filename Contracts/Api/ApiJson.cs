using System.Text.Json;
using System.Text.Json.Serialization;

namespace FaasCluster.Contracts.Api;

/// <summary>How the API writes JSON: camelCase, nulls left out. Source-generated, so that gateway and command agree and start fast.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FunctionDescription))]
[JsonSerializable(typeof(Page<FunctionDescription>))]
[JsonSerializable(typeof(InvocationDescription))]
[JsonSerializable(typeof(Page<InvocationDescription>))]
[JsonSerializable(typeof(Page<LogLineDescription>))]
[JsonSerializable(typeof(Page<DispatchDescription>))]
[JsonSerializable(typeof(DeadLetterDescription))]
[JsonSerializable(typeof(Page<DeadLetterDescription>))]
[JsonSerializable(typeof(DeadLetterReport))]
[JsonSerializable(typeof(UsageReport))]
[JsonSerializable(typeof(ClusterStatus))]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(AcceptedDescription))]
public sealed partial class ApiJson : JsonSerializerContext;

/// <summary>The body of a 202.</summary>
public sealed record AcceptedDescription
{
    /// <summary>The invocation's id.</summary>
    public required Guid Id { get; init; }

    /// <summary>When it is due, if that is later; null otherwise.</summary>
    public DateTimeOffset? DueAt { get; init; }

    /// <summary>Where its state can be asked for.</summary>
    public required string Location { get; init; }
}
