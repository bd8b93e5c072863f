using System.Reflection;
using System.Runtime.Loader;

namespace FaasCluster.Runtime;

/// <summary>
/// Loads a package's assemblies: what its .deps.json says, else what lies beside the first one. The framework's own are shared, unless
/// the package brings a later version, so that a type of the framework is the same type on both sides.
/// </summary>
internal sealed class PackageContext(string assembly) : AssemblyLoadContext("package")
{
    private static readonly string Framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

    private readonly AssemblyDependencyResolver resolver = new(assembly);
    private readonly string directory = Path.GetDirectoryName(assembly)!;

    protected override Assembly? Load(AssemblyName name)
    {
        var shared = Path.Combine(Framework, name.Name + ".dll");
        if (File.Exists(shared) && (name.Version is null || AssemblyName.GetAssemblyName(shared).Version >= name.Version))
        {
            return null;
        }

        var path = resolver.ResolveAssemblyToPath(name) ?? Path.Combine(directory, name.Name + ".dll");
        return File.Exists(path) ? LoadFromAssemblyPath(path) : null;
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;
}
