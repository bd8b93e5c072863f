using System.CommandLine;
using System.Net;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Diagnosis;

/// <summary>Looks at everything between this command and a running function, says what is wrong and what to do about it.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // The Date header has whole seconds, and a busy server notes the time a little late.
    private static readonly TimeSpan MostClockDifference = TimeSpan.FromSeconds(5);

    public static Command Create(Terminal terminal)
    {
        var output = OutputFormat.CreateOption();
        output.Description = "table shows the findings, json the cluster's status document";
        var command = new DocumentedCommand("doctor", "Checks the cluster and says what to do", "faas doctor", "FAAS_URL=http://127.0.0.1:8080 faas doctor") { output };
        command.SetAction(async (result, cancellationToken) => await RunAsync(terminal, result.GetValue(output) == "json", cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, bool asJson, CancellationToken cancellationToken)
    {
        using var api = new ApiClient(terminal);
        var findings = new Findings(asJson ? TextWriter.Null : terminal.Output);
        findings.Good("context", $"{api.Context.Url} (from {api.Context.Source})");

        var asked = terminal.Time.GetUtcNow();
        using var health = new HttpRequestMessage(HttpMethod.Get, "healthz");
        using var alive = await api.SendAsync(health, "Looking for the cluster", Patience, cancellationToken);
        if (!alive.IsSuccessStatusCode)
        {
            findings.Bad("reachable", $"/healthz answered {(int)alive.StatusCode}. Is that address a FaasCluster?");
            return ExitCodes.Unreachable;
        }

        findings.Good("reachable", "the gateway answers");
        CheckClock(terminal, asked, alive, findings);

        using var question = new HttpRequestMessage(HttpMethod.Get, "api/status");
        using var response = await api.SendAsync(question, "Asking for its status", Patience, cancellationToken);
        if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        {
            findings.Bad("key", api.Context.Key is null
                ? "there is none. Set FAAS_KEY to a key of that cluster."
                : $"the cluster does not know it. It was read from {(api.Context.Source == "FAAS_URL" ? "FAAS_KEY" : api.Context.Source)}; ./run writes the one of the cluster that it starts.");
            return ExitCodes.NotAllowed;
        }

        // A cluster that is not ready answers 503 with the same document.
        var status = await ReadStatusAsync(api, response, cancellationToken);
        findings.Good("key", "accepted");
        if (asJson)
        {
            OutputFormat.WriteJson(terminal, status);
        }

        CheckCluster(terminal, status, findings);
        return status.Ready && !findings.AnyBad ? ExitCodes.Ok : ExitCodes.Unreachable;
    }

    private static async Task<ClusterStatus> ReadStatusAsync(ApiClient api, HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Content.Headers.ContentType?.MediaType == "application/json")
        {
            return await api.ReadAsync<ClusterStatus>(response, cancellationToken);
        }

        await api.ThrowIfFailedAsync(response, cancellationToken);
        return await api.ReadAsync<ClusterStatus>(response, cancellationToken);
    }

    private static void CheckClock(Terminal terminal, DateTimeOffset asked, HttpResponseMessage response, Findings findings)
    {
        if (response.Headers.Date is not { } date)
        {
            return;
        }

        // The answer is of some moment since it was asked for: how long it was on its way is no difference.
        var now = terminal.Time.GetUtcNow();
        var difference = date < asked ? asked - date : date > now ? date - now : TimeSpan.Zero;
        if (difference <= MostClockDifference)
        {
            findings.Good("clock", "agrees with the cluster's");
        }
        else
        {
            findings.Bad("clock", $"differs from the cluster's by {Figures.Duration(difference)}. Set both by NTP: deadlines and times of records are off by as much.");
        }
    }

    private static void CheckCluster(Terminal terminal, ClusterStatus status, Findings findings)
    {
        findings.Good("mode", $"{status.Mode}, version {status.Version}");
        var own = typeof(DoctorCommand).Assembly.GetName().Version?.ToString(3);
        if (own is not null && !status.Version.StartsWith(own, StringComparison.Ordinal))
        {
            findings.Bad("version", $"this command is of {own}, the cluster of {status.Version}. Use the command of the cluster's version.");
        }

        foreach (var check in status.Checks)
        {
            findings.Add(check.Name, check.Problem is null, check.Problem ?? "good");
        }

        if (status.Conservation is { } counted)
        {
            findings.Add("accepted", counted.Missing == 0, Conservation(counted));
        }

        if (status.OpenDeadLetters is { } letters and > 0)
        {
            findings.Note("letters", $"{letters} open {(letters == 1 ? "dead letter" : "dead letters")}: 'faas dead-letters list' shows what did not succeed, 'redrive' and 'discard' settle it.");
        }

        foreach (var worker in status.Workers)
        {
            findings.Good(
                $"worker {worker.Id}",
                $"{(worker.Draining ? "draining, " : "")}{worker.WarmFunctions} warm, {worker.ReservedMb} of {worker.MemoryMb} MB reserved, runtimes {string.Join(' ', worker.Runtimes)}, heard of {Figures.Duration((terminal.Time.GetUtcNow() - worker.SeenAt).Duration())} ago");
            if (worker.EgressProblem is { } closed)
            {
                findings.Note($"worker {worker.Id}", closed);
            }
        }
    }

    private static string Conservation(ConservationStatus counted)
    {
        var where = $"{counted.Outbox} in the outbox, {counted.Ready + counted.Dead} waiting in the broker, {counted.Held} held by workers";
        return counted.Missing == 0
            ? $"{counted.Open} not ended yet: {where}"
            : $"{counted.Missing} of {counted.Open} that have not ended are nowhere: {where}. Was a queue deleted or purged? They end as expired or lost at their maximum age; 'faas invocations --status queued' shows them.";
    }
}

/// <summary>The lines of the doctor.</summary>
internal sealed class Findings(TextWriter output)
{
    public bool AnyBad { get; private set; }

    public void Good(string what, string text) => Add(what, isGood: true, text);

    /// <summary>Nothing that is broken, but something to do.</summary>
    public void Note(string what, string text) => Write("!! ", what, text);

    public void Bad(string what, string text) => Add(what, isGood: false, text);

    public void Add(string what, bool isGood, string text)
    {
        AnyBad |= !isGood;
        Write(isGood ? "ok " : "BAD", what, text);
    }

    private void Write(string verdict, string what, string text) => output.WriteLine($"{verdict}  {what,-10}  {Messages.Printable(text)}");
}
