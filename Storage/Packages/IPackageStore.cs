namespace FaasCluster.Storage.Packages;

/// <summary>Packages by their SHA-256 (64 lower-case hex digits). The same bytes are kept once.</summary>
public interface IPackageStore
{
    /// <summary>Keeps a package; does nothing but renew its age if it is there.</summary>
    Task PutAsync(string sha256, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>The bytes, or null if it is not there.</summary>
    Task<byte[]?> FindAsync(string sha256, CancellationToken cancellationToken);
}

/// <summary>Events of asynchronous invocations that are too large to travel, by invocation.</summary>
public interface IPayloadStore
{
    /// <summary>Keeps an event.</summary>
    Task PutAsync(Guid invocationId, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken);

    /// <summary>The bytes, or null if it is not there.</summary>
    Task<byte[]?> FindAsync(Guid invocationId, CancellationToken cancellationToken);
}
