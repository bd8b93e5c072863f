using System.CommandLine;

namespace FaasCluster.Cli.Invoking;

/// <summary>What <c>invoke</c> and <c>call</c> have in common.</summary>
internal static class InvocationOptions
{
    public static Option<string> CreateData() => new("--data", "-d") { HelpName = "DATA", Description = "The event: text, @file, or - for standard input" };

    public static Option<string> CreateContentType() =>
        new("--content-type", "-t") { HelpName = "TYPE", Description = "The event's content type; by default application/json if it is that, else application/octet-stream" };

    public static string Path(string function) => $"api/functions/{Uri.EscapeDataString(function)}/invocations";

    public static TimeSpan Seconds(int seconds, int most) => seconds >= 1 && seconds <= most
        ? TimeSpan.FromSeconds(seconds)
        : throw new CommandFailure(ExitCodes.Usage, $"--timeout {seconds} is out of range; expected 1 to {most} seconds.");
}
