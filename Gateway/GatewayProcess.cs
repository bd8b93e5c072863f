using FaasCluster.Gateway.Accounts;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway;

/// <summary>Runs a host so that a wrong configuration is told in sentences and not in a stack trace.</summary>
public static class GatewayProcess
{
    /// <summary>Builds and runs an application until it is stopped.</summary>
    /// <param name="build">Makes the application.</param>
    /// <returns>The process's exit code: 0, or 78 (EX_CONFIG of sysexits.h) if the configuration is wrong.</returns>
    public static async Task<int> RunAsync(Func<WebApplication> build)
    {
        try
        {
            await using var app = build();

            // The host validates as well, but would log what it finds with its stack.
            app.Services.GetService<IStartupValidator>()?.Validate();
            app.Services.GetService<BootstrapKey>()?.Read();
            await app.RunAsync();
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
    internal static IReadOnlyList<string>? Describe(Exception exception) => exception switch
    {
        AggregateException several when several.InnerExceptions.All(inner => Describe(inner) is not null) =>
            [.. several.InnerExceptions.SelectMany(inner => Describe(inner)!)],
        OptionsValidationException options => [.. options.Failures],
        GatewayConfigurationException configuration => [configuration.Message],
        _ => null,
    };
}
