using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Records;

/// <summary>One invocation for people: what became of it, what caused it, and whom its end was told.</summary>
internal static class InvocationView
{
    public static void Write(Terminal terminal, InvocationDescription invocation)
    {
        WriteLine(terminal, "Id", $"{invocation.Id}");
        WriteLine(terminal, "Function", $"{invocation.Function}, revision {invocation.Revision}");
        WriteLine(terminal, "State", invocation.Error is { } error ? $"{invocation.State} ({error.Code}): {error.Message}" : invocation.State);
        WriteLine(terminal, "Kind", $"{invocation.Kind}, attempt {invocation.Attempt}");
        if (invocation.CausedBy is { } cause)
        {
            WriteLine(terminal, "Caused by", $"{cause}, depth {invocation.Depth ?? 0}");
        }
        else
        {
            WriteLine(terminal, "Caused by", $"a call ({invocation.Trigger})");
        }

        WriteLine(terminal, "Accepted", Figures.PreciseTime(invocation.AcceptedAt, terminal.Time));
        if (invocation.EndedAt is { } ended)
        {
            WriteLine(terminal, "Ended", $"{Figures.PreciseTime(ended, terminal.Time)}, after {Figures.Duration(ended - invocation.AcceptedAt)}");
        }

        foreach (var attempt in invocation.Attempts ?? [])
        {
            WriteLine(terminal, $"Attempt {attempt.Attempt}", $"{attempt.Error ?? "ok"}, run {Figures.Milliseconds(attempt.RunMs)}, {Figures.Money(attempt.Cost, attempt.Currency)}");
        }

        foreach (var dispatch in invocation.Dispatches ?? [])
        {
            WriteLine(terminal, "Told to", Describe(dispatch, terminal));
        }
    }

    private static string Describe(DispatchDescription dispatch, Terminal terminal)
    {
        var tries = $"{dispatch.Attempts} {(dispatch.Attempts == 1 ? "attempt" : "attempts")}";
        var became = dispatch.BecameInvocation is { } id ? $", invocation {id}" : "";
        var next = dispatch.DueAt is { } due ? $", next {Figures.Time(due, terminal.Time)}" : "";
        var reason = dispatch.LastError is { } error ? $": {error}" : "";
        return $"{dispatch.Kind} {dispatch.Target}, {dispatch.State} ({tries}{next}){became}{reason}";
    }

    private static void WriteLine(Terminal terminal, string label, string value) => terminal.Output.WriteLine($"{label,-12} {Messages.Printable(value)}");
}
