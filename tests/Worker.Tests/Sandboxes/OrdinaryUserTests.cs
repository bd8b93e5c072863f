namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>
/// Runs tests again in a process of an ordinary user who has no cgroup: those of attacks, of limits, and of what such a worker does by other
/// means than root's. What a runtime makes of its function is the same for every user, and tested once.
/// </summary>
public sealed class OrdinaryUserTests(ITestOutputHelper output)
{
    [Fact]
    public Task Sandboxes_WithoutCgroups_HoldForAnOrdinaryUser() => new NestedRun
    {
        AsUser = true,
        Cgroup = "/nobody-may-write-here",
        Tests = NestedRun.Select(
            [
                typeof(HostileTests), typeof(LauncherTests), typeof(LifeTests), typeof(LeakTests), typeof(ExecutableTests),
                typeof(Network.EgressTests), typeof(Network.ListenTests), typeof(Network.RefusalTests), typeof(Network.DestinationTests), typeof(Network.RelayTests),
            ],
            (typeof(NodeTests), nameof(NodeTests.Heap_PastTheFunctionsMemory_IsOutOfMemory)),
            (typeof(PythonTests), nameof(PythonTests.Measurements_AreOfThisInvocation)),
            (typeof(StreamingTests), nameof(StreamingTests.Timeout_CountsAlsoWhileTheCallerDoesNotRead)),
            (typeof(SystemCallTests), nameof(SystemCallTests.Calls_OfAFunction_AreAnsweredAsTheTableSays))),
        AtLeast = 110,
    }.RunAsync(output);
}
