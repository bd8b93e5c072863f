using System.ComponentModel.DataAnnotations;

namespace FaasCluster.Messaging;

/// <summary>Settings of the invocation path and the control bus; section "Messaging".</summary>
public sealed record MessagingOptions
{
    /// <summary>
    /// This process among all gateways and workers: 1 to 64 of letters, digits, '-' and '_'. Default: the host's name
    /// and eight random characters, new at every start.
    /// </summary>
    [Required, RegularExpression("^[A-Za-z0-9_-]{1,64}$")]
    public string NodeId { get; init; } = MakeNodeId();

    /// <summary>The broker, as an amqp or amqps URI with credentials and virtual host, or several with commas between them for the nodes of one broker; null for the in-process queue of the embedded mode.</summary>
    public string? BrokerUri { get; init; }

    /// <summary>Where the in-process queue keeps its file; used only without <see cref="BrokerUri"/>.</summary>
    public string? DataDirectory { get; init; }

    /// <summary>How long a synchronous call waits in a warm queue before it spills to the cold queue, 10 ms to 60 s, default 250 ms. Part of the warm queues' arguments: the same on every node.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:01:00")]
    public TimeSpan SpillTime { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Messages published and not yet confirmed per connection, 1 to 10,000, default 500.</summary>
    [Range(1, 10_000)]
    public int OutstandingConfirms { get; init; } = 500;

    /// <summary>How long a confirm may take before the channel is given up, 1 s to 60 s, default 5 s.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan ConfirmTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Most messages in a function's asynchronous queue, 1 to 10 million, default 1 million; more are refused. Fixed when the function is deployed.</summary>
    [Range(1, 10_000_000)]
    public int QueueLength { get; init; } = 1_000_000;

    /// <summary>Deliveries of one asynchronous message before it counts as poison, 2 to 100, default 5. The same on every node.</summary>
    [Range(2, 100)]
    public int DeliveryLimit { get; init; } = 5;

    /// <summary>How often a waiting gateway asks whether the worker still lives, 100 ms to 60 s, default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan PresenceInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How much of one streamed answer may be under way between its function and its caller, in bytes, 64 kB to 16 MB, default 256 kB: so
    /// much memory may a caller that does not read take on the gateway.
    /// </summary>
    [Range(64 << 10, 16 << 20)]
    public int StreamWindowBytes { get; init; } = 256 << 10;

    private static string MakeNodeId()
    {
        var host = new string([.. Environment.MachineName.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_').Take(40)]);
        return $"{(host.Length == 0 ? "node" : host)}-{Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(4))}";
    }
}
