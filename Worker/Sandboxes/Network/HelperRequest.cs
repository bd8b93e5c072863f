using System.Text.Json.Serialization;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>What the network helper is to make in one sandbox.</summary>
internal sealed record HelperRequest
{
    /// <summary>A process of the sandbox; set by <see cref="NetworkHelper"/>.</summary>
    public int Process { get; init; }

    /// <summary>The sandbox's user on the host; null if that is the worker's.</summary>
    public int? User { get; init; }

    /// <summary>Leads all TCP that leaves the sandbox's loopback to a listener; null for no way out.</summary>
    public HelperCapture? Capture { get; init; }

    /// <summary>Sockets to make and hand over.</summary>
    public required IReadOnlyList<HelperSocket> Sockets { get; init; }
}

/// <summary>Where captured connections go.</summary>
/// <param name="Port">The port of the transparent listeners, on 127.0.0.1 and ::1.</param>
/// <param name="Ipv6">Whether there is IPv6.</param>
/// <param name="HasIpv6Source">Whether programs see an address of IPv6, and so believe that they have it.</param>
internal sealed record HelperCapture(int Port, bool Ipv6, bool HasIpv6Source);

/// <summary>One socket.</summary>
/// <param name="Kind">tcp or udp.</param>
/// <param name="Host">The address to bind.</param>
/// <param name="Port">The port to bind; those below 1024 no function can take.</param>
/// <param name="Transparent">Whether it takes connections to other addresses that rules lead to it.</param>
internal sealed record HelperSocket(string Kind, string Host, int Port, bool Transparent = false);

/// <summary>What the network helper answers, beside descriptors.</summary>
/// <param name="Error">Why there are none; null if there are.</param>
internal sealed record HelperAnswer(string? Error = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HelperRequest))]
[JsonSerializable(typeof(HelperAnswer))]
internal sealed partial class HelperJson : JsonSerializerContext;
