using System.Net;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Why a function may not connect somewhere.</summary>
/// <param name="Reason">One of few words, for metrics.</param>
/// <param name="Explanation">For whoever reads the invocation's log: why, and what to do.</param>
internal sealed record Refusal(string Reason, string Explanation)
{
    public static readonly Refusal Loopback = new(
        "loopback", "loopback and unspecified addresses lead to the host and are never reachable. The function's own loopback is reached without leaving its sandbox.");

    public static readonly Refusal Host = new("host", "it is an address of the worker's host, which is never reachable. The platform itself is at $FAAS_ENDPOINT.");

    public static readonly Refusal Platform = new("platform", "the platform's own broker and database are never reachable. The platform is called at $FAAS_ENDPOINT.");

    public static readonly Refusal LinkLocal = new("link_local", "link-local addresses, and where clouds keep their credentials, are never reachable. Give the function what it needs by 'env' in its manifest.");

    public static readonly Refusal Group = new("multicast", "multicast, broadcast and reserved addresses are never reachable.");

    public static readonly Refusal Private = new("private", "it is not an address of the public internet. The operator can open private networks by Sandbox:AllowedNetworks.");

    /// <summary>More connections at once than one sandbox, or one worker, may have.</summary>
    public static Refusal TooMany(int most, string setting) => new("too_many", $"there are {most} connections already; close some, or let the operator raise {setting}.");

    /// <summary>The line of the log.</summary>
    public string Describe(IPEndPoint destination) => $"connection to {destination} refused: {Explanation}";
}
