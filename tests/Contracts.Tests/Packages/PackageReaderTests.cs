using System.Buffers.Binary;
using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Contracts.Tests.Packages;

public sealed class PackageReaderTests : IDisposable
{
    private readonly string parent = Directory.CreateTempSubdirectory("faas-package-").FullName;

    private string Target => Path.Combine(parent, "out");

    public void Dispose() => Directory.Delete(parent, recursive: true);

    [Theory]
    [InlineData("../evil", "'..'")]
    [InlineData("a/../../evil", "'..'")]
    [InlineData("a/..", "'..'")]
    [InlineData("./a", "'.'")]
    [InlineData("a//b", "''")]
    [InlineData("/etc/passwd", "absolute")]
    [InlineData("C:/Windows/a", "absolute")]
    [InlineData("a\\..\\b", "backslash")]
    [InlineData("a\0.py", "control")]
    [InlineData("a\nb", "control")]
    public void Package_WithHostileName_IsRefusedAndLeavesNothing(string name, string reason) => AssertRefused(Zip.Of("app.py", name), reason);

    [Fact]
    public void Package_WithNameOf256Bytes_IsRefused() => AssertRefused(Zip.Of(new string('é', 128)), "255 bytes");

    [Fact]
    public void Package_With33Levels_IsRefused() => AssertRefused(Zip.Of(string.Join('/', Enumerable.Repeat("d", 33))), "levels deep");

    [Fact]
    public void Package_WithNameThatIsNotUtf8_IsRefused()
    {
        var zip = Zip.Of("é.py");
        for (int at; (at = zip.AsSpan().IndexOf("é"u8)) >= 0;)
        {
            zip[at] = 0xFF;
        }

        AssertRefused(zip, "not UTF-8");
    }

    [Fact]
    public void Package_WithDuplicateName_IsRefused() => AssertRefused(Zip.Of("app.py", "app.py"), "twice");

    [Fact]
    public void Package_WithNamesThatDifferInCaseOnly_IsRefused() => AssertRefused(Zip.Of("app.py", "App.py"), "upper and lower case");

    [Fact]
    public void Package_WithDirectoriesThatDifferInCaseOnly_IsRefused() => AssertRefused(Zip.Of("lib/a.py", "Lib/b.py"), "upper and lower case");

    [Fact]
    public void Package_WithFileBelowFile_IsRefused() => AssertRefused(Zip.Of("a", "a/b"), "a file and a directory");

    [Fact]
    public void Package_WithLink_IsRefused() => AssertRefused(Zip.Of("link", "/etc/passwd"u8.ToArray(), Zip.Link), "link");

    [Fact]
    public void Package_WithDevice_IsRefused() => AssertRefused(Zip.Of("null", [], Zip.CharacterDevice), "device");

    [Fact]
    public void Package_ThatIsEncrypted_IsRefused()
    {
        var zip = Zip.Of("app.py");
        var flags = zip.AsSpan().IndexOf("PK\x01\x02"u8) + 8;
        zip[flags] |= 1;
        AssertRefused(zip, "encrypted");
    }

    [Fact]
    public void Package_WithTooManyEntries_IsRefused() =>
        AssertRefused(Zip.Of(Enumerable.Range(0, Limits.PackageEntries + 1).Select(i => ($"f{i}", Array.Empty<byte>(), 0))), "entries");

    [Fact]
    public void Package_WithMillionEntriesBehindALyingCount_IsRefusedBeforeTheyAreAllocated()
    {
        var zip = Zip.MillionEntries();
        Assert.True(zip.Length < Limits.PackageBytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var errors = PackageReader.Validate(zip);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.Contains("entries", Assert.Single(errors).Message);
        Assert.Null(PackageReader.TryReadText(zip, "a"));
    }

    [Fact]
    public void Package_WithFewFilesInManyImpliedDirectories_IsRefused()
    {
        var deep = string.Concat(Enumerable.Repeat("d/", 29));
        AssertRefused(Zip.Of(Enumerable.Range(0, 1000).Select(i => ($"{i}/{deep}f", Array.Empty<byte>(), 0))), "files and directories");
    }

    [Fact]
    public void Package_LargerUnpackedThanAllowed_IsRefusedByItsRealBytes()
    {
        var zip = Zip.Of("bomb", new byte[Limits.UnpackedPackageBytes + 1]);
        AssertRefused(zip, "larger than");
        AssertRefused(Zip.PatchDirectory(zip, 24, 10), "bomb");
    }

    [Fact]
    public void Package_WithSizeThatLies_IsRefused() => AssertRefused(Zip.PatchDirectory(Zip.Of("app.py"), 24, 1_000_000), "declares");

    [Fact]
    public void Package_WithWrongChecksum_IsRefused() => AssertRefused(Zip.PatchDirectory(Zip.Of("app.py"), 16, 0xDEADBEEF), "checksum");

    [Fact]
    public void Package_WithUnknownCompression_IsRefused()
    {
        var zip = Zip.Of("app.py");
        BinaryPrimitives.WriteUInt16LittleEndian(zip.AsSpan(zip.AsSpan().IndexOf("PK\x01\x02"u8) + 10), 99);
        AssertRefused(zip, "app.py");
    }

    [Fact]
    public void Package_WithDirectoryThatHasContents_IsRefused()
    {
        var zip = Zip.Of("abc", "text"u8.ToArray());
        for (int at; (at = zip.AsSpan().IndexOf("abc"u8)) >= 0;)
        {
            zip[at + 2] = (byte)'/';
        }

        AssertRefused(zip, "directory with contents");
    }

    [Fact]
    public void Package_ThatIsNoZip_IsRefused()
    {
        AssertRefused([], "no zip file");
        AssertRefused("hello"u8.ToArray(), "no zip file");
        AssertRefused(new byte[100_000], "no zip file");
        AssertRefused(Zip.Of(Array.Empty<string>()), "empty");
    }

    [Fact]
    public void Package_CutAnywhereOrWithAnyByteChanged_NeverThrows()
    {
        var zip = Zip.Of("app.py", "lib/", "lib/a.py");
        for (var i = 0; i < zip.Length; i++)
        {
            Assert.NotEmpty(PackageReader.Validate(zip.AsMemory(0, i)));
            foreach (var value in new byte[] { 0, 1, 0x7F, 0xFF })
            {
                var changed = (byte[])zip.Clone();
                changed[i] = value;
                PackageReader.Validate(changed);
                PackageReader.TryReadText(changed, "app.py");
            }
        }
    }

    [Fact]
    public void Extract_HonestPackage_WritesFilesAndKeepsOnlyTheExecutableBit()
    {
        var big = new byte[300_000];
        Random.Shared.NextBytes(big);
        var zip = Zip.Of([("app.py", "print(1)"u8.ToArray(), Zip.File), ("bin/", [], 0), ("bin/run", big, Zip.SetUidProgram), ("lib/x/y.txt", [], 0)]);

        Assert.Empty(PackageReader.Validate(zip));
        Assert.Empty(PackageReader.Extract(zip, Target));

        Assert.Equal("print(1)", File.ReadAllText(Path.Combine(Target, "app.py")));
        Assert.Equal(big, File.ReadAllBytes(Path.Combine(Target, "bin/run")));
        Assert.Empty(File.ReadAllBytes(Path.Combine(Target, "lib/x/y.txt")));
        const UnixFileMode plain = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode program = plain | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Assert.Equal(plain, File.GetUnixFileMode(Path.Combine(Target, "app.py")));
        Assert.Equal(program, File.GetUnixFileMode(Path.Combine(Target, "bin/run")));
        Assert.Equal(program, File.GetUnixFileMode(Path.Combine(Target, "lib/x")));
        Assert.Equal(program, File.GetUnixFileMode(Target));
    }

    [Fact]
    public void Extract_IntoExistingDirectory_Throws()
    {
        Directory.CreateDirectory(Target);
        Assert.Throws<IOException>(() => PackageReader.Extract(Zip.Of("a"), Target));
        Assert.True(Directory.Exists(Target));
    }

    [Fact]
    public void TryReadText_FindsTheManifestOrNothing()
    {
        var zip = Zip.Of("function.yaml", Encoding.UTF8.GetBytes("\uFEFFname: hellö"));
        Assert.Equal("name: hellö", PackageReader.TryReadText(zip, "function.yaml"));
        Assert.Null(PackageReader.TryReadText(zip, "other.yaml"));
        Assert.Null(PackageReader.TryReadText("no zip"u8.ToArray(), "function.yaml"));
    }

    [Fact]
    public void TryReadText_OfABomb_ReadsNoMoreThanAsked()
    {
        var zip = Zip.Of("function.yaml", Encoding.UTF8.GetBytes(new string('a', 5_000_000)));
        var text = PackageReader.TryReadText(zip, "function.yaml");
        Assert.Equal(4 * ManifestReader.MaximumLength, text!.Length);
    }

    private void AssertRefused(byte[] zip, string reason)
    {
        var errors = PackageReader.Validate(zip);
        Assert.Contains(errors, error => error.Field == "package" && error.Message.Contains(reason));
        Assert.Contains(PackageReader.Extract(zip, Target), error => error.Message.Contains(reason));
        Assert.Empty(Directory.GetFileSystemEntries(parent));
    }
}
