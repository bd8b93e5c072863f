using System.Net.Sockets;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// Connects a function to the outside: takes where it wanted to go, asks the policy about that address, and dials that address. Names,
/// redirects and the ways to write an address are the function's affair and gain it nothing.
/// </summary>
internal static class Egress
{
    /// <summary>Serves one captured connection.</summary>
    public static async Task ServeAsync(SandboxNetwork network, Socket inside)
    {
        var services = network.Services;
        var destination = OriginalDestination.Of(inside);
        if (services.Policy.Judge(destination) is { } refusal)
        {
            // Logged before the function hears of it: a line that comes after its answer would be nobody's.
            network.Refuse(refusal, destination);
            Acceptor.Abort(inside);
            return;
        }

        using var outside = new Socket(destination.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(network.Ending);
            patience.CancelAfter(services.Options.DialTimeout);
            await outside.ConnectAsync(destination, patience.Token);
        }
        catch (OperationCanceledException) when (!network.Ending.IsCancellationRequested)
        {
            network.Note($"connection to {destination} failed: no answer within {services.Options.DialTimeout.TotalSeconds} s.");
            throw;
        }
        catch (SocketException exception)
        {
            // Its connection was accepted here already, so it can only be reset: the log says why.
            network.Note($"connection to {destination} failed: {exception.Message}.");
            throw;
        }

        try
        {
            await Splice.RunAsync(Splice.Side.Of(inside), Splice.Side.Of(outside), services.Options.ConnectionIdleTimeout, network.Draining, network.Ending);
        }
        catch
        {
            Acceptor.Abort(outside);
            throw;
        }
    }
}
