using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.Hosting;

/// <summary>Runs a gateway, a worker or both, so that a wrong configuration is told in sentences and not in a stack trace.</summary>
public static class NodeProcess
{
    /// <summary>Builds and runs a host until it is stopped.</summary>
    /// <param name="build">Makes the host.</param>
    /// <returns>The process's exit code: 0, or 78 (EX_CONFIG of sysexits.h) if the configuration is wrong.</returns>
    public static async Task<int> RunAsync(Func<IHost> build)
    {
        try
        {
            var host = build();
            await using var disposal = (IAsyncDisposable)host;

            // The host validates as well, but would log what it finds with its stack.
            host.Services.GetService<IStartupValidator>()?.Validate();
            foreach (var check in host.Services.GetServices<IStartupCheck>())
            {
                check.Check();
            }

            await host.RunAsync();
            return 0;
        }
        catch (Exception exception) when (Describe(exception) is { } lines)
        {
            await Console.Error.WriteLineAsync("FaasCluster cannot start:");
            foreach (var line in lines)
            {
                await Console.Error.WriteLineAsync($"  {line}");
            }

            return 78;
        }
    }

    /// <summary>What is wrong with the configuration, everything at once; null if the exception is about something else.</summary>
    private static IReadOnlyList<string>? Describe(Exception exception) => exception switch
    {
        AggregateException several when several.InnerExceptions.All(inner => Describe(inner) is not null) =>
            [.. several.InnerExceptions.SelectMany(inner => Describe(inner)!)],
        OptionsValidationException options => [.. options.Failures],
        NodeConfigurationException configuration => [configuration.Message],
        _ => null,
    };
}
