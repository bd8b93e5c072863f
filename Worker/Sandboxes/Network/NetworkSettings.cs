using System.Net;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>Checks the settings of sandboxes' networks, which no attribute can.</summary>
internal sealed class NetworkSettings : IValidateOptions<SandboxOptions>
{
    public ValidateOptionsResult Validate(string? name, SandboxOptions options)
    {
        List<string> problems =
        [
            .. options.AllowedNetworks.Where(network => !IPNetwork.TryParse(network, out _)).Select(network =>
                $"Sandbox:AllowedNetworks holds '{network}', which is no network; expected an address and the length of its prefix, such as 10.1.0.0/16 (and no bits beyond the prefix)."),
            .. options.NameServers.Where(server => !IPEndPoint.TryParse(server, out _)).Select(server =>
                $"Sandbox:NameServers holds '{server}', which is no address; expected one such as 10.1.0.2 or 10.1.0.2:53."),
        ];
        if (options.GatewayUrl is { } url && (!url.IsAbsoluteUri || url.Scheme is not ("http" or "https") || url.AbsolutePath != "/"))
        {
            problems.Add($"Sandbox:GatewayUrl is '{url}'; expected the gateway's address without a path, such as http://gateway:8080.");
        }

        return problems.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(problems);
    }
}
