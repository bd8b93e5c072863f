using System.Diagnostics.Metrics;
using System.Net;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Gateway.Tests.DeadLetters;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Messaging;
using FaasCluster.Storage.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Gateway.Tests.Conservation;

public sealed class EmbeddedConservationTests(EmbeddedGateway gateway) : ConservationTests(gateway), IClassFixture<EmbeddedGateway>;

public sealed class ClusterConservationTests(ClusterGateway gateway) : ConservationTests(gateway), IClassFixture<ClusterGateway>;

/// <summary>What was accepted is somewhere: seen from the store and from the broker. And what is nowhere is ended.</summary>
public abstract class ConservationTests
{
    // A gateway counts less often the longer a count takes.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly GatewayFixture gateway;
    private readonly Submissions submissions;
    private readonly string name = Api.NewName();

    protected ConservationTests(GatewayFixture gateway)
    {
        gateway.RequireServers();
        this.gateway = gateway;
        submissions = new Submissions(gateway);
    }

    [Fact]
    public async Task Conservation_OfWhatWaitsIsHeldAndComesLater_AgreesFromBothSides()
    {
        await gateway.Client.DeployAsync(name);
        Guid[] ids = [await submissions.SubmitAsync($"/fn/{name}", "1"), await submissions.SubmitAsync($"/fn/{name}", "2"), await submissions.SubmitAsync($"/fn/{name}", "3")];
        await CountedAsync(counted => counted is { Open: 3, Ready: 3, Held: 0, Outbox: 0 });

        var end = new TaskCompletionSource<Outcome>();
        await using var worker = await TestWorker.StartAsync(gateway, _ => end.Task);
        try
        {
            await CountedAsync(counted => counted is { Open: 3, Ready: 0, Held: 3, Outbox: 0 }, worker);
        }
        finally
        {
            end.SetResult(Outcome.Failed(TimeSpan.FromHours(1)));
        }

        await CountedAsync(counted => counted is { Open: 3, Ready: 0, Held: 0, Outbox: 3 }, worker);

        foreach (var id in ids)
        {
            (await gateway.Client.PostAsync($"/api/invocations/{id}/cancel", null)).Dispose();
        }

        await CountedAsync(counted => counted is { Open: 0, Ready: 0, Held: 0, Outbox: 0 }, worker);
    }

    [Fact]
    public async Task Fault14_MessageGoneFromItsQueue_IsMissedWhileItsRowIsOpen()
    {
        var message = await RowAsync(TimeSpan.FromHours(1));

        await Eventually.TrueAsync(async () => (await StatusAsync()).Conservation is { Missing: 1 }, "the row is missed", Patience);
        Assert.Equal(1, Gauge(TelemetryNames.InvocationsMissing));
        Assert.NotNull(Gauge(TelemetryNames.OpenDeadLetters));
        Assert.True((await StatusAsync()).Conservation!.Open >= 1);

        (await gateway.Client.PostAsync($"/api/invocations/{message.InvocationId}/cancel", null)).Dispose();
        await Eventually.TrueAsync(async () => (await StatusAsync()).Conservation is { Missing: 0 }, "nothing is missed", Patience);
    }

    [Fact]
    public async Task Fault14_MessageGoneFromItsQueue_EndsAsExpiredAndLeavesALetterWithoutAnEvent()
    {
        var message = await RowAsync(TimeSpan.FromMinutes(-21));

        await submissions.EndAsync(message.InvocationId);

        var letter = await gateway.Client.GetAsync($"/api/dead-letters/{message.InvocationId}", ApiJson.Default.DeadLetterDescription);
        Assert.Equal(("expired", "open", "expired"), (letter.Reason, letter.State, letter.Error!.Code));
        Assert.Null(letter.Event);
        Assert.Equal(0, Assert.Single(letter.Attempts!).BilledMs);
        using var redrive = await gateway.Client.PostAsync($"/api/dead-letters/{message.InvocationId}/redrive", null);
        Assert.Contains("event is not there", (await redrive.ProblemAsync(HttpStatusCode.Conflict, "conflict")).Detail);
        await Eventually.TrueAsync(async () => (await StatusAsync()).OpenDeadLetters >= 1, "the open letter is counted", Patience);
    }

    [Fact]
    public async Task Fault01_StartedAndNeverHeardOfAgain_EndsAsLost()
    {
        // The start mark of a redelivery makes the row if nobody else did.
        var function = await gateway.Client.DeployAsync(name);
        var message = Message(function.Id, TimeSpan.FromMinutes(-90));
        await gateway.Get<IInvocationStore>().MarkStartedAsync(message, name, "dead", CancellationToken.None);

        var ended = await submissions.FindAsync(await submissions.EndAsync(message.InvocationId));

        Assert.Equal(("lost", "worker_lost"), (ended.State, ended.Error!.Code));
    }

    [Fact]
    public async Task Fault05_GatewayGoneBetweenConfirmAndRow_InvocationIsFoundRunAndRecorded()
    {
        var function = await gateway.Client.DeployAsync(name);
        var message = Message(function.Id, TimeSpan.FromHours(1)) with { AcceptedAt = DateTimeOffset.UtcNow, DueAt = DateTimeOffset.UtcNow };
        Assert.Null(await gateway.Get<IInvocationSender>().EnqueueAsync(message, CancellationToken.None));

        // Nobody was woken for it, and no row says that it waits.
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        await Until.TrueAsync(
            async () => await gateway.Get<IInvocationStore>().FindAsync("default", message.InvocationId, CancellationToken.None) is { Summary.State: InvocationState.Succeeded },
            "the invocation ends");
        Assert.Single((await submissions.FindAsync(message.InvocationId)).Attempts!);
    }

    /// <summary>What a gauge of this gateway shows.</summary>
    private long? Gauge(string name)
    {
        long? value = null;
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, all) =>
        {
            // Other gateways of this process have meters of the same name.
            if (instrument.Name == name && ReferenceEquals(instrument.Meter.Scope, gateway.Get<IMeterFactory>()))
            {
                all.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, measured, _, _) => value = measured);
        listener.Start();
        listener.RecordObservableInstruments();
        return value;
    }

    private static InvocationMessage Message(Guid functionId, TimeSpan untilDeadline)
    {
        var now = DateTimeOffset.UtcNow;
        var accepted = now + (untilDeadline < TimeSpan.Zero ? untilDeadline - TimeSpan.FromHours(6) : TimeSpan.FromMinutes(-1));
        return new InvocationMessage
        {
            InvocationId = Guid.CreateVersion7(),
            FunctionId = functionId,
            Revision = 1,
            AccountId = "default",
            Kind = InvocationKind.Asynchronous,
            Trigger = TriggerKind.Api,
            AcceptedAt = accepted,
            DueAt = accepted,
            Deadline = now + untilDeadline,
            Body = default,
        };
    }

    /// <summary>The row of an accepted invocation whose message an operator purged.</summary>
    private async Task<InvocationMessage> RowAsync(TimeSpan untilDeadline)
    {
        var function = await gateway.Client.DeployAsync(name);
        var message = Message(function.Id, untilDeadline);
        await gateway.Get<IInvocationStore>().AcceptAsync([new AcceptedInvocation { Message = message, FunctionName = name }], CancellationToken.None);
        return message;
    }

    private async Task CountedAsync(Func<ConservationStatus, bool> condition, TestWorker? worker = null)
    {
        var counts = new HashSet<DateTimeOffset>();
        ConservationStatus? last = null;
        await Eventually.TrueAsync(
            async () =>
            {
                if (worker is not null)
                {
                    await worker.BeatAsync();
                }

                last = (await StatusAsync()).Conservation;
                if (last is null || !condition(last))
                {
                    counts.Clear();
                    return false;
                }

                // Several counts that agree: only then something that is missing would show.
                Assert.Equal(0, last.Missing);
                counts.Add(last.CountedAt);
                return counts.Count == 3;
            },
            "the counts agree",
            Patience);
    }

    private Task<ClusterStatus> StatusAsync() => gateway.Client.GetAsync("/api/status", ApiJson.Default.ClusterStatus);
}
