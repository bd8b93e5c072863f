using System.Text.Json;

namespace FaasCluster.Runtime;

/// <summary>
/// What a handler can ask about its invocation. Its type is the user's own interface, or ILambdaContext of Amazon.Lambda.Core:
/// members are found by their names, so that no package of ours is needed.
/// </summary>
internal sealed class InvocationContext(JsonElement function, JsonElement invocation)
{
    private readonly long deadline = Environment.TickCount64 + invocation.GetProperty("timeoutMs").GetInt64();

    public string AwsRequestId => invocation.GetProperty("id").GetString()!;

    public string InvocationId => AwsRequestId;

    public int Attempt => invocation.TryGetProperty("attempt", out var attempt) ? attempt.GetInt32() : 1;

    public string? TraceParent => invocation.TryGetProperty("traceparent", out var trace) ? trace.GetString() : null;

    public string FunctionName => Text("function");

    public string FunctionVersion => Text("revision");

    public string InvokedFunctionArn => $"arn:aws:lambda:local:{Text("account")}:function:{FunctionName}";

    public string LogGroupName => $"/aws/lambda/{FunctionName}";

    public string LogStreamName => $"{FunctionVersion}/{Text("functionId")}";

    public int MemoryLimitInMB => function.GetProperty("memoryMb").GetInt32();

    public TimeSpan RemainingTime => TimeSpan.FromMilliseconds(Math.Max(0, deadline - Environment.TickCount64));

    /// <summary>Whether an interface asks for nothing but what there is here: then it is a context even as the only parameter.</summary>
    public static bool IsContext(Type type) =>
        type.Name.EndsWith("Context", StringComparison.Ordinal) && type.GetProperties().Any(property => typeof(InvocationContext).GetProperty(property.Name) is not null);

    private string Text(string name) => function.GetProperty(name).ToString();
}
