using System.Text;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Contracts.Tests.Packages;

public sealed class WasmModuleFileTests
{
    private const long Memory = 64L << 20;
    private static readonly byte[] Header = [.. "\0asm"u8, 1, 0, 0, 0];
    private static readonly byte[] Exports = Section(7, [2, .. Text("_start"), 0, 0, .. Text("memory"), 2, 0]);

    [Fact]
    public void Command_IsRight() =>
        Assert.Null(Find([.. Header, .. Section(2, [1, .. Text("wasi_snapshot_preview1"), .. Text("fd_write"), 0, 0]), .. Section(5, [1, 0, 2]), .. Exports]));

    [Theory]
    [InlineData("#!/bin/sh", "no WebAssembly module")]
    [InlineData("", "no WebAssembly module")]
    [InlineData("(module)", "wat2wasm")]
    [InlineData("\0asm\u000d\0\u0001\0", "component")]
    [InlineData("\0asm\u0002\0\0\0", "version 2")]
    public void File_ThatIsSomethingElse_IsNamed(string text, string expected) => Assert.Contains(expected, Find(Encoding.Latin1.GetBytes(text)));

    [Fact]
    public void Imports_ThatNobodyProvides_AreNamed()
    {
        var problem = Find([
            .. Header,
            .. Section(2, [7, .. Text("wasi_snapshot_preview1"), .. Text("fd_write"), 0, 0, .. Enumerable.Range(0, 6).SelectMany(i => (byte[])[.. Text("env"), .. Text($"f{i}"), 0, 0])]),
            .. Exports,
        ]);

        Assert.Contains("'env.f0', 'env.f1', 'env.f2', 'env.f3', 'env.f4' and 1 more", problem);
    }

    [Theory]
    [InlineData("wasi_unstable", "fd_write", 0)]
    [InlineData("wasi_snapshot_preview1", "fd_steal", 0)]
    [InlineData("wasi_snapshot_preview1", "fd_write", 2)]
    public void Import_OfAnotherKind_IsNamed(string module, string name, byte kind) =>
        Assert.Contains($"'{module}.{name}'", Find([.. Header, .. Section(2, [1, .. Text(module), .. Text(name), kind, 0, 1]), .. Exports]));

    [Fact]
    public void Name_OfAnImport_CannotForgeLines() =>
        Assert.DoesNotContain(Find([.. Header, .. Section(2, [1, .. Text("a\nb"), .. Text(new string('x', 100)), 0, 0])])!, char.IsControl);

    [Fact]
    public void Library_IsToldFromAProgram()
    {
        Assert.Contains("library", Find([.. Header, .. Section(7, [1, .. Text("_initialize"), 0, 0])]));
        Assert.Contains("'_start'", Find(Header));
        Assert.Contains("'memory'", Find([.. Header, .. Section(7, [1, .. Text("_start"), 0, 0])]));
    }

    [Fact]
    public void Memory_LargerThanTheFunctions_IsSaid() =>
        Assert.Contains("begins with 65 MB of memory; the function has 64 MB", Find([.. Header, .. Section(5, [1, 0, 0x90, 0x08]), .. Exports]));

    [Fact]
    public void Module_CutAnywhere_IsDamagedAndNothingWorse()
    {
        byte[] whole = [.. Header, .. Section(2, [1, .. Text("wasi_snapshot_preview1"), .. Text("fd_write"), 0, 0]), .. Section(5, [1, 0, 2]), .. Exports];
        for (var length = Header.Length + 1; length < whole.Length; length++)
        {
            Assert.NotNull(Find(whole[..length]));
        }

        Assert.Contains("damaged", Find([.. Header, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]));
        Assert.Contains("damaged", Find([.. Header, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]));
        Assert.Contains("damaged", Find([.. Header, .. Section(2, [0xFF, 0xFF, 0xFF, 0xFF, 0x0F])]));
    }

    [Fact]
    public void RandomBytes_NeverFail()
    {
        var random = new Random(1);
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(8, 100)];
            random.NextBytes(bytes);
            Header.CopyTo(bytes, 0);
            if (bytes.Length > 8)
            {
                bytes[8] = (byte)random.Next(1, 12);
            }

            Find(bytes);
        }
    }

    private static string? Find(byte[] bytes) => WasmModuleFile.FindProblem("main.wasm", bytes, Memory);

    private static byte[] Section(byte id, byte[] contents) => [id, (byte)((contents.Length & 0x7F) | 0x80), (byte)(contents.Length >> 7), .. contents];

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.UTF8.GetBytes(text)];
}
