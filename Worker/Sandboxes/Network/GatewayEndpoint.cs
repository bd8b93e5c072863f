using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Where this worker's functions find the gateway's own API: by setting, or in the embedded mode the process's own address.</summary>
public sealed class GatewayEndpoint(IOptions<SandboxOptions> options)
{
    private volatile Uri? found;

    /// <summary>Null while nobody knows.</summary>
    public Uri? Url => options.Value.GatewayUrl ?? found;

    /// <summary>Says it, where it is known only after the start.</summary>
    /// <param name="address">As servers tell it; one that stands for every interface means the loopback.</param>
    public void Found(string address)
    {
        // BindingAddress knows what Uri does not: http://*:8080 and http://+:8080.
        var binding = BindingAddress.Parse(address);
        var host = binding.Host is "*" or "+" or "0.0.0.0" or "[::]" ? "127.0.0.1" : binding.Host;
        found = new UriBuilder(binding.Scheme, host, binding.Port).Uri;
    }
}
