using FaasCluster.Messaging.Tests.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>
/// The broker closes the channel of a consumer that keeps a delivery for longer than its patience (30 minutes unless an operator changed
/// it). Here that is a second, for all that the broker does.
/// </summary>
public sealed class AcknowledgementTimeoutTests
{
    [Fact]
    public async Task Fault10_RunLongerThanTheBrokersPatience_ComesAgainAndTheLateAcknowledgementDoesNoHarm()
    {
        await using var broker = await PrivateBroker.StartAsync();
        await broker.EvaluateAsync("application:set_env(rabbit, consumer_timeout, 1000), application:set_env(rabbit, channel_tick_interval, 500).");
        await using var node = await MessagingNode.StartAsync(new() { ["ConnectionStrings:RabbitMq"] = broker.Uri, ["Messaging:ConfirmTimeout"] = "00:01:00" });
        var function = Guid.NewGuid();
        await node.Sender.DeclareFunctionAsync(function, CancellationToken.None);
        var inbox = new Inbox();
        await using var lane = await node.Receiver.SubscribeLaneAsync(function, 1, inbox.TakeAsync, CancellationToken.None);
        var message = Messages.Event(function);
        Assert.Null(await node.Sender.EnqueueAsync(message, CancellationToken.None));

        // Kept until the broker gives it to somebody else: to this node once more, whose subscription made itself anew.
        var kept = await inbox.NextAsync();
        var again = await inbox.NextAsync();
        Assert.Equal((message.InvocationId, false), (kept.Message!.InvocationId, kept.Redelivered));
        Assert.Equal((message.InvocationId, true), (again.Message!.InvocationId, again.Redelivered));

        await broker.EvaluateAsync("application:set_env(rabbit, consumer_timeout, 1800000).");
        await kept.AckAsync();
        await again.AckAsync();
        var next = Messages.Event(function);
        Assert.Null(await node.Sender.EnqueueAsync(next, CancellationToken.None));
        var last = await inbox.NextAsync();

        // Once more for each second that it took to make the broker patient again.
        while (last.Message!.InvocationId == message.InvocationId)
        {
            Assert.True(last.Redelivered);
            await last.AckAsync();
            last = await inbox.NextAsync();
        }

        Assert.Equal(next.InvocationId, last.Message!.InvocationId);
        await last.AckAsync();
        Assert.Equal(0, inbox.Count);
    }
}
