using System.Text.Json;

namespace FaasCluster.Runtime;

/// <summary>
/// Does once what a function's load and first invocations will do, with this program's own assembly as the package, so that the code
/// is compiled and in memory when somebody waits for it.
/// </summary>
internal static class Rehearsal
{
    /// <summary>A context as functions declare it.</summary>
    public interface IRehearsalContext
    {
        string FunctionName { get; }

        int MemoryLimitInMB { get; }

        TimeSpan RemainingTime { get; }
    }

    public static void Run()
    {
        var load = JsonElement.Parse("""{"handler":"x","function":"rehearsal","functionId":"x","revision":1,"memoryMb":256,"account":"x","env":{}}"""u8);
        var invoke = JsonElement.Parse("""{"id":"x","attempt":1,"timeoutMs":1000}"""u8);
        var handler = Handler.Load(AppContext.BaseDirectory, "FaasCluster.Runtime::FaasCluster.Runtime.Rehearsal::Handle");
        var context = new InvocationContext(load, invoke);
        for (var i = 0; i < 3; i++)
        {
            handler.Invoke("""{"name":"a","numbers":[1,2.5],"nested":{"a":"b"}}"""u8.ToArray(), context);
        }

        try
        {
            handler.Invoke("{}"u8.ToArray(), context);
        }
        catch (Exception exception)
        {
            Errors.Describe(exception, "x");
        }

        _ = Console.Error;
        Console.Out.Flush();
    }

    /// <summary>What is rehearsed.</summary>
    internal static async Task<Answer> Handle(Question question, IRehearsalContext context)
    {
        await Task.Yield();
        return question.Name is null
            ? throw new InvalidOperationException("rehearsed")
            : new Answer(question.Name + context.FunctionName, context.RemainingTime, question.Numbers ?? [], question.Nested ?? []);
    }

    internal sealed record Question(string? Name, List<double>? Numbers, Dictionary<string, string>? Nested);

    internal sealed record Answer(string Text, TimeSpan Left, IReadOnlyList<double> Numbers, Dictionary<string, string> Nested);
}
