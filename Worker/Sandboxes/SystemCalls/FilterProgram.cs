using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.SystemCalls;

/// <summary>One instruction of classic BPF: struct sock_filter of linux/filter.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct Instruction(ushort Code, byte IfTrue, byte IfFalse, uint Operand);

/// <summary>
/// Builds programs for seccomp(2). Written here, because libseccomp can say neither "whatever is not known yet" nor "the lower half of
/// an argument is not this", and its version decides which calls it has heard of.
/// </summary>
internal static class FilterProgram
{
    /// <summary>BPF_LD | BPF_W | BPF_ABS.</summary>
    public const ushort Load = 0x20;

    /// <summary>BPF_JMP | BPF_JA.</summary>
    public const ushort Jump = 0x05;

    /// <summary>BPF_JMP | BPF_JEQ.</summary>
    public const ushort JumpIfEqual = 0x15;

    /// <summary>BPF_JMP | BPF_JGE.</summary>
    public const ushort JumpIfAtLeast = 0x35;

    /// <summary>BPF_JMP | BPF_JSET.</summary>
    public const ushort JumpIfAny = 0x45;

    /// <summary>BPF_RET.</summary>
    public const ushort Return = 0x06;

    /// <summary>SECCOMP_RET_ALLOW.</summary>
    public const uint Allow = 0x7FFF0000;

    /// <summary>SECCOMP_RET_ERRNO.</summary>
    public static uint Error(int number) => 0x00050000 | (uint)number;

    /// <summary>Loads 32 bits of struct seccomp_data.</summary>
    public static Instruction LoadAt(uint offset) => new(Load, 0, 0, offset);

    /// <summary>The lower half of an argument: of an int or unsigned int the kernel looks at no more, whatever else the register holds.</summary>
    public static Instruction LoadArgument(uint index) => LoadAt(16 + (8 * index));

    /// <summary>Ends.</summary>
    public static Instruction Answer(uint value) => new(Return, 0, 0, value);

    /// <summary>Answers with a value if what is loaded equals something.</summary>
    public static Instruction[] AnswerIf(uint equal, uint value) => [new(JumpIfEqual, 0, 1, equal), Answer(value)];

    /// <summary>Searches for what is loaded in ranges that begin at the given numbers and end at the next.</summary>
    /// <param name="ranges">The first begins at 0. Each has the instructions that decide.</param>
    public static List<Instruction> Search(ReadOnlySpan<(uint Start, Instruction[] Code)> ranges)
    {
        if (ranges.Length == 1)
        {
            return [.. ranges[0].Code];
        }

        var middle = ranges.Length / 2;
        var below = Search(ranges[..middle]);
        var above = Search(ranges[middle..]);

        // A conditional jump reaches 255 instructions, an unconditional one all.
        Instruction[] branch = below.Count <= byte.MaxValue
            ? [new(JumpIfAtLeast, (byte)below.Count, 0, ranges[middle].Start)]
            : [new(JumpIfAtLeast, 0, 1, ranges[middle].Start), new(Jump, 0, 0, (uint)below.Count)];
        return [.. branch, .. below, .. above];
    }
}
