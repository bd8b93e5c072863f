using System.CommandLine;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Functions;

internal static class ListCommand
{
    // More than a cell is made for.
    private const int MostFunctions = 100_000;

    public static Command Create(Terminal terminal)
    {
        var output = OutputFormat.CreateOption();
        var command = new DocumentedCommand("list", "Lists the functions", "faas list", "faas list -o json | jq -r '.items[].name'") { output };
        command.SetAction(async (result, cancellationToken) =>
        {
            using var api = new ApiClient(terminal);
            var functions = await api.GetPagesAsync<FunctionDescription>("api/functions", MostFunctions, "Listing functions", cancellationToken);
            if (result.GetValue(output) == "json")
            {
                OutputFormat.WriteJson(terminal, functions);
                return ExitCodes.Ok;
            }

            if (functions.Items.Count == 0 && terminal.OutputIsTerminal)
            {
                terminal.Error.WriteLine("There are no functions yet. Deploy one: faas deploy examples/hello-python");
                return ExitCodes.Ok;
            }

            var listing = new Listing("NAME", "REVISION", "RUNTIME", "MEMORY", "TIMEOUT", "DEPLOYED", "URL") { Numbers = ["REVISION", "MEMORY"] };
            foreach (var function in functions.Items)
            {
                listing.Add(
                    function.Name,
                    $"{function.Revision}",
                    function.Runtime,
                    Figures.Memory(function.MemoryMb),
                    Figures.Milliseconds(function.TimeoutMs),
                    Figures.Time(function.DeployedAt, terminal.Time),
                    function.Url);
            }

            listing.Write(terminal);
            return ExitCodes.Ok;
        });
        return command;
    }
}
