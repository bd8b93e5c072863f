using FaasCluster.Storage.Packages;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>
/// <c>FaasCluster.Worker --canary</c>: makes sandboxes ready as a worker does, says what came of it, removes them and ends. Needs
/// neither broker nor store, so it answers whether this host, or this container, is fit for a worker.
/// </summary>
internal static class CanaryCommand
{
    private const string Switch = "--canary";

    /// <summary>Whether the command line asks for it.</summary>
    public static bool IsAskedFor(string[] args) => args.Contains(Switch);

    /// <summary>Runs it.</summary>
    /// <param name="args">The command line: section "Sandbox" may be set there, as for a worker.</param>
    /// <returns>The exit code: 0 if sandboxes hold, 1 if not, 78 (EX_CONFIG) if the configuration is wrong.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        var builder = WebApplication.CreateBuilder([.. args.Except([Switch])]);
        builder.Services.AddSandboxes(builder.Configuration);
        builder.Services.AddSingleton<IPackageStore, NoPackages>();
        await using var app = builder.Build();
        try
        {
            var problem = await app.Services.GetRequiredService<ISandboxFactory>().WhenReadyAsync(CancellationToken.None);
            if (problem is not null)
            {
                await Console.Error.WriteLineAsync($"The canary failed. {problem}");
                return 1;
            }

            var status = app.Services.GetRequiredService<SandboxStatus>();
            await Console.Out.WriteLineAsync(
                $"The canary passed: {status.Isolation}, {status.Cgroups}, memory limits {status.MemoryEnforcement}, runtimes {string.Join(' ', status.Runtimes)}, {(status.EgressProblem is null ? "network egress" : "no network egress")}.");
            return 0;
        }
        catch (OptionsValidationException exception)
        {
            await Console.Error.WriteLineAsync(string.Join(Environment.NewLine, exception.Failures));
            return 78;
        }
    }

    // No function is deployed here, so none is ever asked for.
    private sealed class NoPackages : IPackageStore
    {
        public Task PutAsync(string sha256, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<byte[]?> FindAsync(string sha256, CancellationToken cancellationToken) => Task.FromResult<byte[]?>(null);
    }
}
