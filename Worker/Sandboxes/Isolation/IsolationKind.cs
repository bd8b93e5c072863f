namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>The program that puts walls around functions.</summary>
public enum IsolationKind
{
    /// <summary>bubblewrap.</summary>
    Bubblewrap,

    /// <summary>crun, an OCI runtime.</summary>
    Crun,
}
