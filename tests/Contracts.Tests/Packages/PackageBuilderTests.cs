using FaasCluster.Contracts.Packages;

namespace FaasCluster.Contracts.Tests.Packages;

public sealed class PackageBuilderTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("faas-builder-").FullName;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public void FromFile_SameContent_GivesTheSameBytes()
    {
        var first = PackageBuilder.FromFile("app.py", "x = 1"u8);
        Assert.Equal(first, PackageBuilder.FromFile("app.py", "x = 1"u8));
        Assert.Empty(PackageReader.Validate(first));
        Assert.Equal("x = 1", PackageReader.TryReadText(first, "app.py"));
    }

    [Fact]
    public void FromFile_Executable_KeepsTheBit()
    {
        var zip = PackageBuilder.FromFile("main.sh", "#!/bin/sh"u8, executable: true);
        Assert.Empty(PackageReader.Extract(zip, Path.Combine(root, "out")));
        Assert.True(File.GetUnixFileMode(Path.Combine(root, "out", "main.sh")).HasFlag(UnixFileMode.OtherExecute));
    }

    [Fact]
    public void FromDirectory_SameFilesWithOtherTimes_GivesTheSameBytes()
    {
        var (a, b) = (Path.Combine(root, "a"), Path.Combine(root, "b"));
        foreach (var directory in new[] { a, b })
        {
            Directory.CreateDirectory(Path.Combine(directory, "lib"));
            Directory.CreateDirectory(Path.Combine(directory, ".git"));
            Directory.CreateDirectory(Path.Combine(directory, "__pycache__"));
        }

        foreach (var name in new[] { "app.py", "lib/x.py", "function.yaml" })
        {
            File.WriteAllText(Path.Combine(a, name), name);
        }

        foreach (var name in new[] { "function.yaml", "lib/x.py", "app.py" })
        {
            File.WriteAllText(Path.Combine(b, name), name);
            File.SetLastWriteTimeUtc(Path.Combine(b, name), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        }

        File.WriteAllText(Path.Combine(a, ".git", "HEAD"), "x");
        File.WriteAllText(Path.Combine(b, "__pycache__", "app.pyc"), "x");
        Assert.Equal(PackageBuilder.FromDirectory(a), PackageBuilder.FromDirectory(b));
    }

    [Fact]
    public void FromDirectory_LinkWithin_IsPackedAsFile_LinkOutside_IsRefused()
    {
        File.WriteAllText(Path.Combine(root, "app.py"), "x");
        File.CreateSymbolicLink(Path.Combine(root, "alias.py"), "app.py");
        Assert.Equal("x", PackageReader.TryReadText(PackageBuilder.FromDirectory(root), "alias.py"));

        File.CreateSymbolicLink(Path.Combine(root, "secrets"), "/etc/passwd");
        Assert.Contains("secrets", Assert.Throws<InvalidDataException>(() => PackageBuilder.FromDirectory(root)).Message);
    }
}
