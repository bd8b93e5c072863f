using System.CommandLine;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace FaasCluster.Cli.Deploying;

/// <summary>What <c>faas deploy</c> sends: a package, and a manifest unless the package's own is to be taken.</summary>
/// <param name="Package">A zip.</param>
/// <param name="Manifest">The text of a function.yaml; null if the zip brings one.</param>
internal sealed record Deployment(byte[] Package, string? Manifest)
{
    private const string ManifestName = "function.yaml";
    private const string Bootstrap = "bootstrap";

    /// <summary>Reads a directory, a single source file or a zip.</summary>
    /// <exception cref="CommandFailure">Something is wrong with it; nothing was sent.</exception>
    public static async Task<Deployment> ReadAsync(Terminal terminal, string path, ManifestOptions options, ParseResult result, CancellationToken cancellationToken)
    {
        Deployment deployment;
        if (Directory.Exists(path))
        {
            deployment = await OfDirectoryAsync(terminal, path, options, result, cancellationToken);
        }
        else if (File.Exists(path))
        {
            deployment = path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) ? OfZip(path, options, result) : OfFile(path, options, result);
        }
        else
        {
            throw new CommandFailure(ExitCodes.Usage, $"There is no '{path}'.", "Expected a directory with function.yaml, a source file, or a .zip.");
        }

        if (deployment.Package.LongLength > Limits.PackageBytes)
        {
            throw new CommandFailure(
                ExitCodes.Usage, $"The package has {deployment.Package.LongLength} bytes; at most {Limits.PackageBytes} are allowed.", $"List what the function does not need in {IgnoreFile.Name}.");
        }

        return deployment;
    }

    private static async Task<Deployment> OfDirectoryAsync(Terminal terminal, string path, ManifestOptions options, ParseResult result, CancellationToken cancellationToken)
    {
        var file = Path.Combine(path, ManifestName);
        var text = File.Exists(file) ? File.ReadAllText(file) : null;
        var manifest = Parse(text);
        var isChanged = manifest is not null && options.Apply(result, manifest);
        if (text is null && !isChanged)
        {
            throw new CommandFailure(
                ExitCodes.Usage, $"'{path}' has no {ManifestName}.", "Write one, for example:", "  name: hello", "  runtime: python3", "  handler: app.hello_world");
        }

        var checkedText = Check(isChanged ? Write(manifest!) : text!, ManifestName, out var read);
        var ignored = IgnoreFile.Read(path);
        using var copy = await Dependencies.InstallAsync(terminal, path, read.Runtime, ignored, cancellationToken);
        return new Deployment(copy is null ? Build(path, ignored.Ignores) : Build(copy.Directory, Dependencies.IsNotDeployed), checkedText);
    }

    private static Deployment OfFile(string path, ManifestOptions options, ParseResult result)
    {
        var name = Path.GetFileName(path);
        YamlMappingNode manifest = [];
        options.Apply(result, manifest);
        if (!manifest.Children.TryGetValue(new YamlScalarNode("runtime"), out var runtime))
        {
            runtime = new YamlScalarNode(RuntimeOf(name));
            manifest.Add("runtime", runtime);
        }

        var isExecutable = runtime is YamlScalarNode { Value: RuntimeIds.Executable };
        if (runtime is YamlScalarNode { Value: { } id } && RuntimeIds.Resolve(id) == RuntimeIds.Provided)
        {
            return new Deployment(PackageBuilder.FromFile(Bootstrap, File.ReadAllBytes(path), executable: true), Check(Write(manifest), "The command line"));
        }

        if (runtime is YamlScalarNode { Value: RuntimeIds.Executable or RuntimeIds.Wasm } && !manifest.Children.ContainsKey(new YamlScalarNode("handler")))
        {
            manifest.Add("handler", name);
        }

        var text = Check(Write(manifest), "The command line");
        return new Deployment(PackageBuilder.FromFile(name, File.ReadAllBytes(path), isExecutable), text);
    }

    private static Deployment OfZip(string path, ManifestOptions options, ParseResult result)
    {
        YamlMappingNode manifest = [];
        return new Deployment(File.ReadAllBytes(path), options.Apply(result, manifest) ? Check(Write(manifest), "The command line") : null);
    }

    private static byte[] Build(string path, Func<string, bool, bool> isLeftOut)
    {
        try
        {
            return PackageBuilder.FromDirectory(path, isLeftOut);
        }
        catch (InvalidDataException exception)
        {
            throw new CommandFailure(ExitCodes.Usage, exception.Message);
        }
    }

    private static string RuntimeOf(string name) => name == Bootstrap ? RuntimeIds.Provided : Path.GetExtension(name) switch
    {
        ".py" => RuntimeIds.Python3,
        ".js" or ".mjs" or ".cjs" => RuntimeIds.NodeJs,
        ".wasm" => RuntimeIds.Wasm,
        _ => RuntimeIds.Executable,
    };

    // Null if it is no mapping: the reader of manifests says that better.
    private static YamlMappingNode? Parse(string? text)
    {
        if (text is null)
        {
            return [];
        }

        try
        {
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents is [{ RootNode: YamlMappingNode root }] ? root : null;
        }
        catch (YamlException)
        {
            return null;
        }
    }

    private static string Write(YamlMappingNode manifest)
    {
        using var writer = new StringWriter();
        new YamlStream(new YamlDocument(manifest)).Save(writer, assignAnchors: false);
        return writer.ToString();
    }

    private static string Check(string text, string source) => Check(text, source, out _);

    private static string Check(string text, string source, out FunctionManifest manifest)
    {
        manifest = ManifestReader.Read(text, out var errors)
            ?? throw new CommandFailure(ExitCodes.Usage, $"{source} is not right.", [.. errors.Select(error => $"{error.Field}: {error.Message}")]);
        return text;
    }
}
