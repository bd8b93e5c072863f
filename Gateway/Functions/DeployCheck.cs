using System.IO.Compression;
using System.Text.RegularExpressions;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;
using FaasCluster.Gateway.Parameters;

namespace FaasCluster.Gateway.Functions;

/// <summary>Makes a manifest and a package of what was sent, or says what is wrong with it.</summary>
internal static partial class DeployCheck
{
    private const string ManifestFile = "function.yaml";
    private const string Bootstrap = "bootstrap";
    private const int AnyExecutable = 0x49; // 0111

    /// <summary>The manifest and the zip file to store; null if there are errors.</summary>
    public static (FunctionManifest Manifest, byte[] Zip)? Check(DeployForm form, out IReadOnlyList<FieldError> errors)
    {
        return form.IsZip ? CheckZip(form, out errors) : CheckFile(form, out errors);
    }

    private static (FunctionManifest Manifest, byte[] Zip)? CheckZip(DeployForm form, out IReadOnlyList<FieldError> errors)
    {
        errors = PackageReader.Validate(form.Package);
        if (errors.Count > 0)
        {
            return null;
        }

        if ((form.Manifest ?? PackageReader.TryReadText(form.Package, ManifestFile)) is not { } text)
        {
            errors = [new("manifest", $"is missing; send it as a part of its own, or put {ManifestFile} at the top of the package.")];
            return null;
        }

        if (ManifestReader.Read(text, out errors) is not { } manifest)
        {
            return null;
        }

        using var archive = new ZipArchive(new MemoryStream(form.Package, writable: false), ZipArchiveMode.Read);
        var files = archive.Entries.ToDictionary(entry => entry.FullName, entry => ((entry.ExternalAttributes >> 16) & AnyExecutable) != 0);
        errors = CheckHandler(manifest, files);
        if (errors.Count == 0 && manifest.Runtime == RuntimeIds.Wasm)
        {
            errors = CheckModule(manifest, PackageReader.ReadStart(archive.GetEntry(manifest.Handler)!, WasmModuleFile.MostBytes + 1));
        }

        return errors.Count == 0 ? (manifest, form.Package) : null;
    }

    private static (FunctionManifest Manifest, byte[] Zip)? CheckFile(DeployForm form, out IReadOnlyList<FieldError> errors)
    {
        if (form.FileName is not { } name || !FileName().IsMatch(name))
        {
            errors = [new("package", $"has the file name '{Shown.Text(form.FileName ?? "")}'; expected a .zip, or one source file with a name such as app.py.")];
            return null;
        }

        if (form.Manifest is null)
        {
            errors = [new("manifest", "is missing; a single source file needs it as a part of its own.")];
            return null;
        }

        if (ManifestReader.Read(form.Manifest, out errors) is not { } manifest)
        {
            return null;
        }

        if (manifest.Runtime == RuntimeIds.Provided)
        {
            // One program, whatever its name.
            name = Bootstrap;
        }

        errors = CheckHandler(manifest, new Dictionary<string, bool> { [name] = true });
        if (errors.Count == 0 && manifest.Runtime == RuntimeIds.Wasm)
        {
            errors = CheckModule(manifest, form.Package);
        }

        if (errors.Count > 0)
        {
            return null;
        }

        var zip = PackageBuilder.FromFile(name, form.Package, executable: manifest.Runtime is RuntimeIds.Executable or RuntimeIds.Provided);
        if (zip.Length > Limits.PackageBytes)
        {
            errors = [new("package", $"has {zip.Length} bytes when packed; at most {Limits.PackageBytes} are allowed.")];
            return null;
        }

        return (manifest, zip);
    }

    private static IReadOnlyList<FieldError> CheckHandler(FunctionManifest manifest, IReadOnlyDictionary<string, bool> files)
    {
        var handler = manifest.Handler;
        string[] expected;
        switch (manifest.Runtime)
        {
            case RuntimeIds.Python3:
                var module = handler[..handler.LastIndexOf('.')].Replace('.', '/');
                expected = [module + ".py", module + "/__init__.py"];
                break;
            case RuntimeIds.NodeJs:
                var script = handler[..handler.IndexOf('.', handler.LastIndexOf('/') + 1)];
                expected = [script + ".js", script + ".mjs", script + ".cjs"];
                break;
            case RuntimeIds.DotNet:
                expected = [handler[..handler.IndexOf("::", StringComparison.Ordinal)] + ".dll"];
                break;
            case RuntimeIds.Wasm:
                expected = [handler];
                break;
            case RuntimeIds.Provided:
                return CheckBootstrap(files);
            default:
                if (files.TryGetValue(handler, out var executable) && !executable)
                {
                    return [new("handler", $"'{handler}' is not executable in the package; run 'chmod +x {handler}' and pack it again.")];
                }

                expected = [handler];
                break;
        }

        return expected.Any(files.ContainsKey)
            ? []
            : [new("handler", $"'{handler}' needs the file {string.Join(" or ", expected)}, which the package does not have; it has {Listing(files.Keys)}.")];
    }

    private static IReadOnlyList<FieldError> CheckModule(FunctionManifest manifest, byte[] module)
    {
        var problem = module.Length > WasmModuleFile.MostBytes
            ? WasmModuleFile.TooLarge(manifest.Handler)
            : WasmModuleFile.FindProblem(manifest.Handler, module, manifest.MemoryBytes);
        return problem is null ? [] : [new("handler", problem)];
    }

    private static IReadOnlyList<FieldError> CheckBootstrap(IReadOnlyDictionary<string, bool> files) => files.TryGetValue(Bootstrap, out var executable)
        ? executable ? [] : [new("package", $"has a '{Bootstrap}' that is not executable; run 'chmod +x {Bootstrap}' and pack it again.")]
        : [new("package", $"has no file '{Bootstrap}' at its top, which the runtime {RuntimeIds.Provided} starts; it has {Listing(files.Keys)}.")];

    private static string Listing(IEnumerable<string> files)
    {
        var shown = files.Where(name => !name.EndsWith('/')).Order(StringComparer.Ordinal).Take(6).ToArray();
        return string.Join(", ", shown.Take(5).Select(Shown.Text)) + (shown.Length > 5 ? ", ..." : "");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\z", RegexOptions.CultureInvariant)]
    private static partial Regex FileName();
}
