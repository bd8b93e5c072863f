using System.CommandLine;
using System.Net.Http.Headers;
using FaasCluster.Cli.Connections;
using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Deploying;

internal static class DeployCommand
{
    // An upload of 50 MiB over a slow line.
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    public static Command Create(Terminal terminal)
    {
        var path = new Argument<string>("PATH")
        {
            Description = "A directory with function.yaml, a source file, or a .zip",
            DefaultValueFactory = _ => ".",
        };
        var output = OutputFormat.CreateOption();
        var options = new ManifestOptions();
        var command = new DocumentedCommand(
            "deploy",
            "Deploys a function; every deploy makes a new revision",
            "faas deploy examples/hello-python",
            "faas deploy app.py --name hello --handler app.hello_world --url-auth none",
            "faas deploy --memory 512MB --env SIZE=200")
        {
            path,
            output,
        };
        options.AddTo(command);
        command.SetAction(async (result, cancellationToken) =>
        {
            var deployment = await Deployment.ReadAsync(terminal, Path.GetFullPath(result.GetRequiredValue(path), terminal.CurrentDirectory), options, result, cancellationToken);
            return await RunAsync(terminal, deployment, result.GetValue(output) == "json", cancellationToken);
        });
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, Deployment deployment, bool asJson, CancellationToken cancellationToken)
    {
        using var api = new ApiClient(terminal);
        var started = terminal.Time.GetTimestamp();
        using var package = new ByteArrayContent(deployment.Package);
        package.Headers.ContentType = new MediaTypeHeaderValue("application/zip");
        using var form = new MultipartFormDataContent { { package, "package", "package.zip" } };
        if (deployment.Manifest is { } manifest)
        {
            form.Add(new StringContent(manifest), "manifest");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, "api/functions") { Content = form };
        using var response = await api.SendAsync(request, $"Deploying {Figures.Size(deployment.Package.LongLength)}", Timeout, cancellationToken);
        await api.ThrowIfFailedAsync(response, cancellationToken);
        var function = await api.ReadAsync<FunctionDescription>(response, cancellationToken);
        foreach (var warning in function.Warnings)
        {
            Messages.WriteWarning(terminal, warning);
        }

        if (asJson)
        {
            OutputFormat.WriteJson(terminal, function);
        }
        else
        {
            terminal.Output.WriteLine(
                $"{function.Name}  revision {function.Revision}  {Figures.Size(function.PackageBytes)}  ready in {terminal.Time.GetElapsedTime(started).TotalSeconds:0.0} s  {function.Url}");
        }

        return ExitCodes.Ok;
    }
}
