namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>Chooses the program that puts walls around functions.</summary>
internal static class Isolators
{
    /// <summary>The configured one.</summary>
    public static IIsolator For(SandboxOptions options, Defences defences) => options.Isolation switch
    {
        IsolationKind.Bubblewrap => new Bubblewrap(options, defences),
        IsolationKind.Crun => new Crun(options, defences),
        var other => throw new ArgumentOutOfRangeException(nameof(options), other, "Expected a kind of isolation."),
    };
}
