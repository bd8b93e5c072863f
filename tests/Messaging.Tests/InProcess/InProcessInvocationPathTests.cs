using FaasCluster.Messaging.Tests.Invocations;
using FaasCluster.Testing;

namespace FaasCluster.Messaging.Tests.InProcess;

/// <summary>The conformance suite on the broker of the embedded mode: gateway and workers are one process.</summary>
public sealed class InProcessInvocationPathTests : InvocationPathTests
{
    private readonly TemporaryDirectory _directory = new();
    private MessagingNode? _node;

    protected override async Task<MessagingNode> StartAsync(Dictionary<string, string?> settings)
    {
        settings["Data:Directory"] = _directory.Path;
        return _node ??= await MessagingNode.StartAsync(settings);
    }

    protected override ValueTask EndAsync()
    {
        _directory.Dispose();
        return ValueTask.CompletedTask;
    }
}
