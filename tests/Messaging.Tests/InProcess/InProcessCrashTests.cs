using FaasCluster.Messaging.Tests.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Messaging.Tests.InProcess;

/// <summary>What the queue of the embedded mode keeps when its process is killed.</summary>
public sealed class InProcessCrashTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly Guid _function = Guid.NewGuid();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Fault05_EmbeddedKilledWhileEnqueueing_LosesNothingThatWasAccepted()
    {
        var accepted = new HashSet<Guid>();
        await using (var process = NodeProcess.Start("enqueue", _function, Setting))
        {
            while (accepted.Count < 500)
            {
                Note(await process.NextAsync());
            }

            await process.KillAsync();
            foreach (var line in await process.RestAsync())
            {
                Note(line);
            }
        }

        await using var node = await StartAsync();
        var inbox = new Inbox();
        await using var lane = await node.Receiver.SubscribeLaneAsync(_function, 10_000, inbox.TakeAsync, CancellationToken.None);
        while (accepted.Count > 0)
        {
            var delivery = await inbox.NextAsync();
            Assert.False(delivery.Redelivered);
            Assert.Equal(200, delivery.Message!.Body.Length);
            accepted.Remove(delivery.Message.InvocationId);
            await delivery.AckAsync();
        }

        void Note(string line)
        {
            // The last line may have been cut off by the kill.
            if (line.Split(' ') is ["accepted", { Length: 36 } id])
            {
                accepted.Add(Guid.Parse(id));
            }
        }
    }

    [Fact]
    public async Task Fault11_EmbeddedPoisonThatKillsItsProcess_EndsAsDeadLetter()
    {
        var (poison, neighbour) = (Messages.Event(_function, "die"u8.ToArray()), Messages.Event(_function, "answer"u8.ToArray()));
        await using (var node = await StartAsync())
        {
            await node.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
            Assert.Null(await node.Sender.EnqueueAsync(poison, CancellationToken.None));
            Assert.Null(await node.Sender.EnqueueAsync(neighbour, CancellationToken.None));
        }

        for (var i = 0; i < 3; i++)
        {
            await using var process = NodeProcess.Start("serve", _function, Setting, "Messaging:DeliveryLimit=3");
            Assert.Contains($"took {poison.InvocationId} {i > 0}", await process.RestAsync());
        }

        await using var last = await StartAsync();
        var (dead, inbox) = (new Inbox(), new Inbox());
        await using var recorder = await last.Receiver.SubscribeDeadAsync(dead.TakeAsync, CancellationToken.None);
        await using var lane = await last.Receiver.SubscribeLaneAsync(_function, 1, inbox.TakeAsync, CancellationToken.None);
        Messages.AssertSame(poison, (await dead.NextAsync()).Message!);

        // The one behind it was never handed out.
        var next = await inbox.NextAsync();
        Assert.Equal((neighbour.InvocationId, false), (next.Message!.InvocationId, next.Redelivered));
    }

    [Fact]
    public async Task Acknowledged_BeforeEnd_DoesNotComeAgain()
    {
        await using (var node = await StartAsync())
        {
            await node.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
            var inbox = new Inbox();
            await using var lane = await node.Receiver.SubscribeLaneAsync(_function, 10, inbox.TakeAsync, CancellationToken.None);
            Assert.Null(await node.Sender.EnqueueAsync(Messages.Event(_function), CancellationToken.None));
            await (await inbox.NextAsync()).AckAsync();
        }

        await using var again = await StartAsync();
        var rest = new Inbox();
        await using var next = await again.Receiver.SubscribeLaneAsync(_function, 10, rest.TakeAsync, CancellationToken.None);
        var message = Messages.Event(_function);
        Assert.Null(await again.Sender.EnqueueAsync(message, CancellationToken.None));
        Assert.Equal(message.InvocationId, (await rest.NextAsync()).Message!.InvocationId);
    }

    [Fact]
    public async Task Enqueue_MoreThanMemoryHolds_ComesFromDisk()
    {
        await using var node = await StartAsync();
        await node.Sender.DeclareFunctionAsync(_function, CancellationToken.None);
        var body = new byte[1 << 20];
        for (var i = 0; i < 80; i++)
        {
            body[0] = (byte)i;
            Assert.Null(await node.Sender.EnqueueAsync(Messages.Event(_function, [.. body]), CancellationToken.None));
        }

        var inbox = new Inbox();
        await using var lane = await node.Receiver.SubscribeLaneAsync(_function, 1, inbox.TakeAsync, CancellationToken.None);
        for (var i = 0; i < 80; i++)
        {
            var delivery = await inbox.NextAsync();
            Assert.Equal((1 << 20, (byte)i), (delivery.Message!.Body.Length, delivery.Message.Body.Span[0]));
            await delivery.AckAsync();
        }
    }

    [Fact]
    public async Task Start_SecondProcessOnTheSameDirectory_SaysSo()
    {
        await using var first = NodeProcess.Start("serve", _function, Setting);
        Assert.Equal("ready", await first.NextAsync());
        await using var second = await StartAsync();

        var failure = Assert.Throws<InvalidOperationException>(() => second.Sender);

        Assert.Contains("in use by another process", failure.Message);
    }

    private string Setting => $"Data:Directory={_directory.Path}";

    private Task<MessagingNode> StartAsync() =>
        MessagingNode.StartAsync(new() { ["Data:Directory"] = _directory.Path, ["Messaging:DeliveryLimit"] = "3" });
}
