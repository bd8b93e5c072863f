using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Messaging.Node;

/// <summary>Enqueues without end, many at once, and says the id of everything that was accepted.</summary>
internal static class Enqueuing
{
    private const int AtOnce = 20;
    private const int BodyBytes = 200;

    public static async Task StartAsync(IInvocationSender sender, Guid function)
    {
        await sender.DeclareFunctionAsync(function, CancellationToken.None);
        for (var i = 0; i < AtOnce; i++)
        {
            _ = Task.Run(() => EnqueueAsync(sender, function));
        }
    }

    private static async Task EnqueueAsync(IInvocationSender sender, Guid function)
    {
        while (true)
        {
            var now = DateTimeOffset.UtcNow;
            var message = new InvocationMessage
            {
                InvocationId = Guid.CreateVersion7(),
                FunctionId = function,
                Revision = 1,
                AccountId = "default",
                Kind = InvocationKind.Asynchronous,
                Trigger = TriggerKind.Api,
                AcceptedAt = now,
                DueAt = now,
                Deadline = now.AddHours(6),
                Body = new byte[BodyBytes],
            };
            if (await sender.EnqueueAsync(message, CancellationToken.None) is null)
            {
                Output.Say($"accepted {message.InvocationId}");
            }
        }
    }
}
