using System.Globalization;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Cli.Invoking;

/// <summary>The line on standard error that says how an invocation went: outcome, start, where the time went, memory, price, id.</summary>
internal static class InvocationSummary
{
    /// <summary>From an answer, and the record of it where there is one.</summary>
    public static string For(HttpResponseMessage response, InvocationDescription? record)
    {
        var attempt = record?.Attempts?.LastOrDefault();
        var start = Header(response, HeaderNames.Start) ?? (attempt is null ? null : attempt.Cold ? "cold" : "warm");
        var times = response.Headers.TryGetValues("Server-Timing", out var values) ? ParseServerTiming(string.Join(',', values)) : [];
        if (times.Count == 0 && attempt is not null)
        {
            times = Times(attempt);
        }

        return Join(Header(response, HeaderNames.Error) ?? "ok", start, times, attempt, Header(response, HeaderNames.InvocationId) ?? record?.Id.ToString());
    }

    /// <summary>From a record alone.</summary>
    public static string For(InvocationDescription record)
    {
        var attempt = record.Attempts?.LastOrDefault();
        var outcome = record.Error?.Code ?? (record.State == "succeeded" ? "ok" : record.State);
        return Join(outcome, attempt is null ? null : attempt.Cold ? "cold" : "warm", attempt is null ? [] : Times(attempt), attempt, record.Id.ToString());
    }

    private static string Join(string outcome, string? start, List<(string Name, double Milliseconds)> times, AttemptDescription? attempt, string? id)
    {
        List<string?> parts = [outcome, start];
        // Getting a sandbox and loading the code take no time in a warm one: zeros would only be noise.
        parts.AddRange(times.Where(time => time.Milliseconds > 0 || time.Name is "queue" or "run").Select(time => $"{time.Name} {Figures.Milliseconds(time.Milliseconds)}"));
        if (attempt is not null)
        {
            parts.Add(attempt.PeakMemoryMb is { } peak ? Figures.Memory(peak) : null);
            parts.Add(Figures.Money(attempt.Cost, attempt.Currency));
        }

        parts.Add(id);
        parts.Add(attempt?.TraceId is { } trace ? $"trace {trace}" : null);
        return string.Join("  ", parts.Where(part => !string.IsNullOrEmpty(part)));
    }

    /// <summary>Reads "queue;dur=0.6, run;dur=0.3" (W3C Server Timing); entries without a duration are left out.</summary>
    internal static List<(string Name, double Milliseconds)> ParseServerTiming(string header)
    {
        List<(string, double)> times = [];
        foreach (var entry in header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = entry.Split(';', StringSplitOptions.TrimEntries);
            var duration = parts.Skip(1).FirstOrDefault(part => part.StartsWith("dur=", StringComparison.OrdinalIgnoreCase));
            if (duration is not null && double.TryParse(duration.AsSpan(4), NumberStyles.Float, CultureInfo.InvariantCulture, out var milliseconds))
            {
                times.Add((parts[0], milliseconds));
            }
        }

        return times;
    }

    private static List<(string Name, double Milliseconds)> Times(AttemptDescription attempt) =>
        [("queue", attempt.QueueMs), ("start", attempt.StartMs), ("init", attempt.InitMs), ("run", attempt.RunMs)];

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
