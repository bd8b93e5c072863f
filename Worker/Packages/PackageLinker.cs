using System.Runtime.InteropServices;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Packages;

/// <summary>Puts a package's files into a directory that a sandbox has mounted already.</summary>
internal static class PackageLinker
{
    private const int EXDEV = 18;
    private const int EMLINK = 31;
    private const int EPERM = 1;

    /// <summary>Hard links where the file system allows them, else copies.</summary>
    public static void Fill(string directory, PackageLease package)
    {
        foreach (var name in package.Files)
        {
            var (from, to) = (Path.Combine(package.Directory, name), Path.Combine(directory, name));
            if (name.EndsWith('/'))
            {
                Directory.CreateDirectory(to);
                File.SetUnixFileMode(to, File.GetUnixFileMode(from));
            }
            else if (Libc.link(from, to) < 0)
            {
                if (Marshal.GetLastPInvokeError() is not (EXDEV or EMLINK or EPERM))
                {
                    throw Libc.Failed($"link of '{to}'");
                }

                File.Copy(from, to);
            }
        }
    }
}
