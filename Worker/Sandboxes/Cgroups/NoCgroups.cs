namespace FaasCluster.Worker.Sandboxes.Cgroups;

/// <summary>
/// No cgroup can be written: limits are those of single processes (the launcher sets them), nobody counts, and a sandbox
/// ends with its process-id namespace alone.
/// </summary>
internal sealed class NoCgroups(string reason, MemoryEnforcement enforcement = MemoryEnforcement.PerProcess) : ICgroupHierarchy
{
    /// <inheritdoc/>
    public string Description => $"no cgroups ({reason})";

    /// <inheritdoc/>
    public MemoryEnforcement Enforcement => enforcement;

    /// <inheritdoc/>
    public ICgroup Create(string name) => new NoCgroup();

    /// <inheritdoc/>
    public Task SweepAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Remove()
    {
    }

    private sealed class NoCgroup : ICgroup
    {
        public IReadOnlyList<string> ProcsFiles => [];

        public void SetLimits(CgroupLimits limits)
        {
        }

        public void SetMemory(long bytes)
        {
        }

        public void SetShare(long memoryBytes)
        {
        }

        public void SetCores(double? cores)
        {
        }

        public TimeSpan? ReadCpuTime() => null;

        public bool ResetPeakMemory() => false;

        public long? ReadPeakMemory() => null;

        public long ReadOutOfMemoryKills() => 0;

        public void Kill()
        {
        }

        public Task RemoveAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
