namespace FaasCluster.Chaos.Nemesis;

/// <summary>What happens to PostgreSQL.</summary>
internal static class StoreFaults
{
    public static IReadOnlyList<FaultKind> All { get; } =
    [
        new("08 store killed", KillAsync),
        new("08 store restarted at once", RestartAsync),
        new("08 store frozen", FreezeAsync),
        new("04 sessions of the store terminated", TerminateAsync),
        new("04 worker cut off from the store", CutOffAsync),
    ];

    /// <summary>Where the store has a disk of its own.</summary>
    public static FaultKind DiskFull { get; } = new("09 store's disk full", FillAsync);

    // Its children notice the postmaster's death and end.
    private static async Task KillAsync(FaultScene scene)
    {
        await ServerProcess.KillAsync([scene.Cluster.Store.Process()]);
        await scene.LastAsync(0, 4);
        await scene.Cluster.Store.WhenAnsweringAsync();
        scene.Healed();
    }

    // SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, recovery from the log.
    private static async Task RestartAsync(FaultScene scene)
    {
        await ServerProcess.SignalAsync([scene.Cluster.Store.Process()], "QUIT");
        await scene.LastAsync(0, 1);
        await scene.Cluster.Store.WhenAnsweringAsync();
        scene.Healed();
    }

    private static async Task FreezeAsync(FaultScene scene)
    {
        var postmaster = scene.Cluster.Store.Process();
        await ServerProcess.FreezeAsync([postmaster, .. ProcessTree.Below(postmaster)], () => scene.LastAsync(2, 8));
        scene.Healed();
    }

    // In quick succession, so that one meets a COMMIT under way.
    private static async Task TerminateAsync(FaultScene scene)
    {
        var ended = 0;
        for (var i = 0; i < 10; i++)
        {
            ended += await scene.Cluster.Store.TerminateSessionsAsync();
            await scene.LastAsync(0.05, 0.4);
        }

        FaultScene.Confirm(ended > 0, $"sessions were terminated ({ended})");
        scene.Healed();
    }

    // Statements under way stay under way: whether a COMMIT was done the worker learns when it is too late, or never.
    private static async Task CutOffAsync(FaultScene scene)
    {
        var wire = scene.Cluster.StoreWire;
        var before = wire.HeldBack;
        wire.Cut();
        try
        {
            await FaultScene.ConfirmAsync(() => Task.FromResult(wire.HeldBack > before), "what the worker and the store say is held back");
            await scene.LastAsync(2, 20);
        }
        finally
        {
            wire.Mend();
        }

        scene.Healed();
    }

    private static async Task FillAsync(FaultScene scene)
    {
        var disk = scene.Cluster.Disk!;
        var store = scene.Cluster.Store;
        try
        {
            await FaultScene.ConfirmAsync(
                () =>
                {
                    disk.Fill();
                    return store.IsOutOfSpaceAsync();
                },
                "the store finds no space");
            for (var i = 0; i < 10; i++)
            {
                disk.Fill();
                await scene.LastAsync(0.3, 0.8);
            }
        }
        finally
        {
            disk.Free();
            // What could not write its log may have ended for good, and waits for whoever made space.
            await store.WhenAnsweringAsync();
        }

        scene.Healed();
    }
}
