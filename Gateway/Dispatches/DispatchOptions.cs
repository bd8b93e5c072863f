using System.ComponentModel.DataAnnotations;

namespace FaasCluster.Gateway.Dispatches;

/// <summary>Settings of destinations and callbacks; section "Destinations".</summary>
public sealed record DispatchOptions
{
    /// <summary>Destinations in a row that may cause one another, 1 to 1,000, default 16; the next one is refused, so that loops end.</summary>
    [Range(1, 1000)]
    public int MaximumDepth { get; init; } = 16;

    /// <summary>How long after the end of an invocation its delivery is tried, 1 s to 7 days, default 6 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "7.00:00:00")]
    public TimeSpan MaximumAge { get; init; } = TimeSpan.FromHours(6);

    /// <summary>The wait after the first failed delivery, 10 ms to 1 h, default 1 s. It doubles each time; up to a fifth is added at random.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "01:00:00")]
    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two deliveries, 10 ms to 6 h, default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "06:00:00")]
    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How often it is looked for deliveries that are due, 50 ms to 60 s, default 500 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long one delivery may take, 100 ms to 60 s, default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:01:00")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Deliveries of each kind that a gateway has under way at a time, 1 to 1,000, default 64.</summary>
    [Range(1, 1000)]
    public int Concurrency { get; init; } = 64;

    /// <summary>
    /// Networks such as 10.1.0.0/16 that callbacks may reach although their addresses are private, loopback or otherwise not of the
    /// public internet; default none.
    /// </summary>
    public IReadOnlyList<string> AllowedNetworks { get; init; } = [];

    /// <summary>Connections to the users' brokers, by the name that manifests call them; default none.</summary>
    public IReadOnlyDictionary<string, QueueConnectionOptions> Connections { get; init; } = new Dictionary<string, QueueConnectionOptions>();
}

/// <summary>A connection to a broker of the users.</summary>
public sealed record QueueConnectionOptions
{
    /// <summary>amqp://user:password@host:port/vhost, or amqps://; commas between the nodes of one broker.</summary>
    public string Uri { get; init; } = "";

    /// <summary>The accounts that may use it; empty for every account.</summary>
    public IReadOnlyList<string> Accounts { get; init; } = [];
}
