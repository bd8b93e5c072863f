using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Functions;

internal static class DescribeCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string>("NAME") { Description = "The function" };
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand("describe", "Shows everything about a function", "faas describe hello", "faas describe hello -o json") { name, output };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            var function = await api.GetAsync<FunctionDescription>($"api/functions/{Uri.EscapeDataString(result.GetRequiredValue(name))}", "Asking", cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, function);
            }
            else
            {
                Write(terminal, function);
            }

            return ExitCodes.Ok;
        });
        return command;
    }

    private static void Write(Terminal terminal, FunctionDescription function)
    {
        (string Label, string Value)[] lines =
        [
            ("Name", function.Name),
            ("URL", function.Url),
            ("Callable by", function.UrlAuth == "none" ? "anyone" : "whoever has a key"),
            ("Revision", $"{function.Revision}, deployed {Figures.Time(function.DeployedAt, terminal.Time)}"),
            ("Runtime", $"{function.Runtime}, handler {function.Handler}, signature {function.Signature}"),
            ("Memory", Figures.Memory(function.MemoryMb)),
            ("Deadlines", $"wait {Figures.Milliseconds(function.WaitTimeoutMs)}, init {Figures.Milliseconds(function.InitTimeoutMs)}, run {Figures.Milliseconds(function.TimeoutMs)}"),
            ("Concurrency", function.Concurrency is { } most ? $"at most {most} at once in the cluster" : "no limit"),
            ("Kept loaded", function.MinInstances is { } kept ? $"{kept} in the cluster, also when nobody calls" : "nothing: it cools down when nobody calls"),
            ("Queue", function.QueueLimit is { } waiting ? $"at most {waiting} wait" : "no limit of its own"),
            ("Network", function.Network),
            ("Environment", function.Environment.Count == 0 ? "nothing set" : string.Join(", ", function.Environment)),
            ("Retries", function.AtMostOnce == true ? "never: an asynchronous call runs at most once" : $"{function.Retries} (asynchronous calls)"),
            ("On success", function.OnSuccess ?? "nobody is told"),
            ("On failure", function.OnFailure ?? "nobody is told"),
            ("Package", $"{Figures.Size(function.PackageBytes)}, sha256 {function.PackageSha256}"),
            ("Id", function.Id.ToString()),
        ];
        foreach (var (label, value) in lines)
        {
            terminal.Output.WriteLine($"{label,-12} {Messages.Printable(value)}");
        }

        foreach (var warning in function.Warnings)
        {
            Messages.WriteWarning(terminal, warning);
        }
    }
}
