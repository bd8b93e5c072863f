using System.Net;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Where functions may connect to.</summary>
internal interface IEgressPolicy
{
    /// <summary>Why a function may not connect to an address; null if it may. Asked with the very address that is then dialled.</summary>
    Refusal? Judge(IPEndPoint destination);
}
