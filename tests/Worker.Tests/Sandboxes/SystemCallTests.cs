using System.Runtime.InteropServices;
using FaasCluster.Worker.Sandboxes.Isolation;
using FaasCluster.Worker.Sandboxes.SystemCalls;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>The filter: its program instruction by instruction for both architectures, and what functions get of it on this one.</summary>
public sealed partial class SystemCallTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private const int EPERM = 1;
    private const int ENOSYS = 38;

    [Theory]
    [InlineData(Architecture.X64, 0xC000003Eu)]
    [InlineData(Architecture.Arm64, 0xC00000B7u)]
    public void Filter_AnswersEveryNumber_AsTheTableSays(Architecture architecture, uint audit)
    {
        var program = SystemCallFilter.Build(architecture);
        var calls = SystemCall.Of(architecture).ToDictionary(call => call.Number);
        for (var number = 0u; number < 1100; number++)
        {
            var expected = calls.TryGetValue(number, out var call)
                ? call.Verdict switch { Verdict.Allow => 0, Verdict.Refuse => EPERM, _ => Run(program, audit, number) }
                : ENOSYS;
            Assert.True(expected == Run(program, audit, number), $"{number} {call}");
            Assert.Equal(ENOSYS, Run(program, audit ^ 1, number));
            Assert.Equal(ENOSYS, Run(program, audit, number | 0x40000000));
        }

        Assert.Equal(ENOSYS, Run(program, audit, uint.MaxValue));
        Assert.InRange(program.Count, 100, 1000);
    }

    [Theory]
    [InlineData("clone", 0, 0x01200011ul, 0)]
    [InlineData("clone", 0, 0x003D0F00ul, 0)]
    [InlineData("clone", 0, 0x10000011ul, EPERM)]
    [InlineData("clone", 0, 0x00020011ul, EPERM)]
    [InlineData("clone", 0, 0x40000011ul, EPERM)]
    [InlineData("clone", 0, 0x02000011ul, EPERM)]
    [InlineData("ioctl", 1, 0x5413ul, 0)]
    [InlineData("ioctl", 1, 0x5412ul, EPERM)]
    [InlineData("ioctl", 1, 0x541Cul, EPERM)]
    [InlineData("ioctl", 1, 0xFFFF_FFFF_0000_5412ul, EPERM)]
    [InlineData("personality", 0, 0ul, 0)]
    [InlineData("personality", 0, 0xFFFF_FFFFul, 0)]
    [InlineData("personality", 0, 0x0040000ul, EPERM)]
    [InlineData("socket", 0, 1ul, 0)]
    [InlineData("socket", 0, 2ul, 0)]
    [InlineData("socket", 0, 10ul, 0)]
    [InlineData("socket", 0, 16ul, 0)]
    [InlineData("socket", 0, 17ul, 97)]
    [InlineData("socket", 0, 38ul, 97)]
    [InlineData("socket", 0, 40ul, 97)]
    public void Filter_LooksAtArguments_OfTheCallsWhereTheyDecide(string name, int argument, ulong value, int expected)
    {
        foreach (var (architecture, audit) in new[] { (Architecture.X64, 0xC000003Eu), (Architecture.Arm64, 0xC00000B7u) })
        {
            var arguments = new ulong[6];
            arguments[argument] = value;
            var number = SystemCall.Of(architecture).Single(call => call.Name == name).Number;
            Assert.Equal(expected, Run(SystemCallFilter.Build(architecture), audit, number, arguments));
        }
    }

    [Fact]
    public void Numbers_OfTheTable_AreThoseOfLibseccomp()
    {
        Assert.SkipUnless(NativeLibrary.TryLoad("libseccomp.so.2", out var library), "libseccomp is not installed.");
        NativeLibrary.Free(library);
        foreach (var (architecture, token) in new[] { (Architecture.X64, 0xC000003Eu), (Architecture.Arm64, 0xC00000B7u) })
        {
            // What is newer than the library has no number there.
            var known = SystemCall.Of(architecture).Select(call => (call, Number: Resolve(token, call.Name))).Where(pair => pair.Number >= 0).ToList();
            Assert.True(known.Count > 250, $"{known.Count} calls");
            Assert.All(known, pair => Assert.Equal((uint)pair.Number, pair.call.Number));
        }
    }

    [Fact]
    public async Task Calls_OfAFunction_AreAnsweredAsTheTableSays()
    {
        var refused = SystemCall.Of(RuntimeInformation.OSArchitecture).Where(call => call.Verdict == Verdict.Refuse).ToList();
        var code = $$"""
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            def answer(number):
                ctypes.set_errno(0)
                libc.syscall(ctypes.c_long(number), *[ctypes.c_long(0)] * 6)
                return ctypes.get_errno()
            def handler(event, context):
                return [answer(number) for number in [{{string.Join(", ", refused.Select(call => call.Number))}}, 435, 470, 600, 1000]]
            """;
        var answers = SandboxFixture.Text(await fixture.RunAsync(fixture.Python(code))).Trim('[', ']').Split(", ").Select(int.Parse).ToList();

        Assert.True(refused.Count > 60, $"{refused.Count} calls");
        Assert.All(refused.Zip(answers), pair => Assert.True(pair.Second == EPERM, $"{pair.First.Name}: {pair.Second}"));
        Assert.All(answers[refused.Count..], answer => Assert.Equal(ENOSYS, answer));
    }

    [Fact]
    public async Task Canary_WithoutTheFilter_KeepsTheWorkerFromTakingWork()
    {
        var unfiltered = new Unfiltered();
        try
        {
            await Assert.ThrowsAnyAsync<Exception>(async () => await unfiltered.InitializeAsync());
            Assert.Contains("forbidden system calls (", unfiltered.Status.Problem);
        }
        finally
        {
            await unfiltered.DisposeAsync();
        }
    }

    private static int Run(List<Instruction> program, uint audit, uint number, ulong[]? arguments = null)
    {
        var data = new byte[64];
        BitConverter.TryWriteBytes(data.AsSpan(0), number);
        BitConverter.TryWriteBytes(data.AsSpan(4), audit);
        for (var i = 0; i < (arguments?.Length ?? 0); i++)
        {
            BitConverter.TryWriteBytes(data.AsSpan(16 + (8 * i)), arguments![i]);
        }

        var loaded = 0u;
        for (var at = 0; ; at++)
        {
            var instruction = program[at];
            switch (instruction.Code)
            {
                case FilterProgram.Load:
                    loaded = BitConverter.ToUInt32(data, (int)instruction.Operand);
                    break;
                case FilterProgram.Jump:
                    at += (int)instruction.Operand;
                    break;
                case FilterProgram.JumpIfEqual:
                    at += loaded == instruction.Operand ? instruction.IfTrue : instruction.IfFalse;
                    break;
                case FilterProgram.JumpIfAtLeast:
                    at += loaded >= instruction.Operand ? instruction.IfTrue : instruction.IfFalse;
                    break;
                case FilterProgram.JumpIfAny:
                    at += (loaded & instruction.Operand) != 0 ? instruction.IfTrue : instruction.IfFalse;
                    break;
                case FilterProgram.Return:
                    return instruction.Operand == FilterProgram.Allow ? 0 : (int)(instruction.Operand - FilterProgram.Error(0));
                default:
                    Assert.Fail($"{instruction}");
                    break;
            }
        }
    }

    [LibraryImport("libseccomp.so.2", EntryPoint = "seccomp_syscall_resolve_name_arch", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Resolve(uint architecture, string name);

    private sealed class Unfiltered : SandboxFixture
    {
        internal override Defences Defences => new() { SystemCalls = false };
    }
}
