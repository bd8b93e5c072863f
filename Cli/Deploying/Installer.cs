using System.ComponentModel;
using System.Diagnostics;

namespace FaasCluster.Cli.Deploying;

/// <summary>Runs a package manager and keeps quiet unless it fails.</summary>
internal static class Installer
{
    private const int MostLines = 20;

    /// <summary>Runs it to its end.</summary>
    /// <param name="program">npm or Python.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="directory">Where it runs.</param>
    /// <param name="declaration">The file that says what is to be installed.</param>
    /// <param name="advice">What to do if there is no such program.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="CommandFailure">There is no such program, or it failed; with what it said.</exception>
    public static async Task RunAsync(string program, IReadOnlyList<string> arguments, string directory, string declaration, string advice, CancellationToken cancellationToken)
    {
        using var process = Start(program, arguments, directory, declaration, advice);
        process.StandardInput.Close();
        var said = Task.WhenAll(process.StandardOutput.ReadToEndAsync(CancellationToken.None), process.StandardError.ReadToEndAsync(CancellationToken.None));
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        if (process.ExitCode != 0)
        {
            var lines = string.Join('\n', await said).Split('\n', StringSplitOptions.RemoveEmptyEntries).TakeLast(MostLines);
            throw new CommandFailure(
                ExitCodes.Usage,
                $"{program} could not install what {declaration} declares (exit status {process.ExitCode}); nothing was deployed.",
                [.. lines, OptOut(declaration)]);
        }
    }

    private static Process Start(string program, IReadOnlyList<string> arguments, string directory, string declaration, string advice)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception exception)
        {
            throw new CommandFailure(
                ExitCodes.Usage, $"{declaration} declares dependencies, and '{program}' cannot be started: {exception.Message}", $"{advice}.", OptOut(declaration));
        }
    }

    private static string OptOut(string declaration) => $"Or list {declaration} in {IgnoreFile.Name}, and the directory is deployed as it is.";
}
