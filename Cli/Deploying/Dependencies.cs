using FaasCluster.Cli.Output;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Cli.Deploying;

/// <summary>
/// A copy of what is deployed with what it declares to depend on, installed there: the developer's own directory stays as it is, with
/// tools for development and all, and every deploy has exactly what is declared.
/// </summary>
internal sealed class Dependencies : IDisposable
{
    private const string NpmLock = "package-lock.json";
    private const string NpmModules = "node_modules";
    private const string NpmSettings = ".npmrc";
    private const string PipList = "requirements.txt";

    // What npm looks at, also where .faasignore keeps it out of the package.
    private static readonly string[] NpmFiles = ["package.json", NpmLock, NpmSettings];

    private Dependencies(string directory) => Directory = directory;

    /// <summary>The copy.</summary>
    public string Directory { get; }

    /// <summary>Installs what a directory declares; null if it declares nothing, or its .faasignore names the file that does.</summary>
    /// <param name="terminal">Shows that something is going on.</param>
    /// <param name="path">The directory of a function.</param>
    /// <param name="runtime">Its runtime: nodejs has package-lock.json, python3 requirements.txt.</param>
    /// <param name="ignored">What of the directory is not deployed.</param>
    /// <param name="cancellationToken">Gives up and leaves nothing.</param>
    /// <exception cref="CommandFailure">It could not be installed, or the directory holds what a package cannot.</exception>
    public static async Task<Dependencies?> InstallAsync(Terminal terminal, string path, string runtime, IgnoreFile ignored, CancellationToken cancellationToken)
    {
        var declaration = runtime switch { RuntimeIds.NodeJs => NpmLock, RuntimeIds.Python3 => PipList, _ => null };
        if (declaration is null || !File.Exists(Path.Combine(path, declaration)) || ignored.Ignores(declaration, isDirectory: false))
        {
            return null;
        }

        var copy = new Dependencies(System.IO.Directory.CreateTempSubdirectory("faas-deploy-").FullName);
        try
        {
            var work = runtime == RuntimeIds.NodeJs ? copy.RunNpmAsync(path, ignored, cancellationToken) : copy.RunPipAsync(path, ignored, cancellationToken);
            await Spinner.WhileAsync(terminal, $"Installing what {declaration} declares", work);
            return copy;
        }
        catch (InvalidDataException exception)
        {
            copy.Dispose();
            throw new CommandFailure(ExitCodes.Usage, exception.Message);
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Of the copy, which has nothing that .faasignore names: the links to programs of packages are not for functions, nor is .npmrc, which
    /// may hold the key to a registry.
    /// </summary>
    public static bool IsNotDeployed(string path, bool isDirectory) => isDirectory
        ? path == $"{NpmModules}/.bin" || path.EndsWith($"/{NpmModules}/.bin", StringComparison.Ordinal)
        : path == NpmSettings;

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    private async Task<bool> RunNpmAsync(string path, IgnoreFile ignored, CancellationToken cancellationToken)
    {
        Copy(path, (name, isDirectory) => name == NpmModules || ignored.Ignores(name, isDirectory));
        var kept = NpmFiles.Where(name => File.Exists(Path.Combine(Directory, name))).ToList();
        var added = NpmFiles.Except(kept).Where(name => File.Exists(Path.Combine(path, name))).ToList();
        added.ForEach(name => File.Copy(Path.Combine(path, name), Path.Combine(Directory, name)));
        await Installer.RunAsync(
            OperatingSystem.IsWindows() ? "npm.cmd" : "npm",
            ["ci", "--omit=dev", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"],
            Directory,
            NpmLock,
            "Install Node.js with npm (on Debian: sudo apt-get install npm)",
            cancellationToken);
        added.ForEach(name => File.Delete(Path.Combine(Directory, name)));
        return true;
    }

    private async Task<bool> RunPipAsync(string path, IgnoreFile ignored, CancellationToken cancellationToken)
    {
        // In the developer's directory, because the list may name files beside it.
        await Installer.RunAsync(
            OperatingSystem.IsWindows() ? "python" : "python3",
            ["-m", "pip", "install", "--requirement", PipList, "--target", Directory, "--no-compile", "--no-input", "--disable-pip-version-check", "--quiet"],
            path,
            PipList,
            "Install Python with pip (on Debian: sudo apt-get install python3-pip)",
            cancellationToken);

        // Programs for a command line, which name this machine's interpreter.
        if (System.IO.Directory.Exists(Path.Combine(Directory, "bin")))
        {
            System.IO.Directory.Delete(Path.Combine(Directory, "bin"), recursive: true);
        }

        Copy(path, ignored.Ignores);
        return true;
    }

    // The function's own files win.
    private void Copy(string path, Func<string, bool, bool> isLeftOut)
    {
        foreach (var name in PackageBuilder.FilesOf(path, isLeftOut))
        {
            var target = Path.Combine(Directory, name);
            System.IO.Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(Path.Combine(path, name), target, overwrite: true);
        }
    }
}
