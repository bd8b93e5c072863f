using System.CommandLine;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Cli.Invoking;

/// <summary>What <c>invoke</c> and <c>call</c> have in common.</summary>
internal static class InvocationOptions
{
    public static Option<string> CreateData() => new("--data", "-d") { HelpName = "DATA", Description = "The event: text, @file, or - for standard input" };

    public static Option<string> CreateContentType() =>
        new("--content-type", "-t") { HelpName = "TYPE", Description = "The event's content type; by default application/json if it is that, else application/octet-stream" };

    public static Option<string> CreateIdempotencyKey() =>
        new("--idempotency-key", "-k") { HelpName = "KEY", Description = "A name of your own for this request: sent again within a day it is not carried out again" };

    public static void AddIdempotencyKey(HttpRequestMessage request, string? key)
    {
        if (key is not null && (key.Length is 0 or > 255 || key.Any(c => c is <= ' ' or > '~') || !request.Headers.TryAddWithoutValidation(HeaderNames.IdempotencyKey, key)))
        {
            throw new CommandFailure(ExitCodes.Usage, "--idempotency-key is no key; expected 1 to 255 visible ASCII characters without spaces, for example a UUID.");
        }
    }

    public static string Path(string function) => $"api/functions/{Uri.EscapeDataString(function)}/invocations";

    public static TimeSpan Seconds(int seconds, int most) => seconds >= 1 && seconds <= most
        ? TimeSpan.FromSeconds(seconds)
        : throw new CommandFailure(ExitCodes.Usage, $"--timeout {seconds} is out of range; expected 1 to {most} seconds.");
}
