namespace FaasCluster.Contracts.Functions;

/// <summary>One thing that is wrong with a request.</summary>
/// <param name="Field">The field as the sender wrote it, for example "memory" or "retries.backoff[1]".</param>
/// <param name="Message">What is wrong, the value, what was expected.</param>
public sealed record FieldError(string Field, string Message);
