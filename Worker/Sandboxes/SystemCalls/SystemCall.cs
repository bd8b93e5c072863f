using System.Globalization;
using System.Runtime.InteropServices;

namespace FaasCluster.Worker.Sandboxes.SystemCalls;

/// <summary>What a function gets when it makes a system call.</summary>
internal enum Verdict
{
    /// <summary>The kernel carries it out.</summary>
    Allow,

    /// <summary>Its arguments decide, see <see cref="SystemCallFilter"/>.</summary>
    Check,

    /// <summary>EPERM.</summary>
    Refuse,
}

/// <summary>One line of system-calls.txt.</summary>
/// <param name="Verdict">What comes of it.</param>
/// <param name="Name">Its name in the kernel.</param>
/// <param name="Number">Its number on one architecture.</param>
internal sealed record SystemCall(Verdict Verdict, string Name, uint Number)
{
    /// <summary>All that an architecture has.</summary>
    /// <exception cref="PlatformNotSupportedException">Its numbers are not known.</exception>
    public static IReadOnlyList<SystemCall> Of(Architecture architecture)
    {
        var column = architecture switch
        {
            Architecture.X64 => 2,
            Architecture.Arm64 => 3,
            _ => throw new PlatformNotSupportedException($"System calls cannot be filtered on {architecture}; expected x86-64 or arm64."),
        };
        using var stream = typeof(SystemCall).Assembly.GetManifestResourceStream("system-calls.txt")!;
        using var reader = new StreamReader(stream);
        return
        [
            .. reader.ReadToEnd().Split('\n')
                .Where(line => line.Length > 0 && line[0] != '#')
                .Select(line => line.Split(' '))
                .Where(fields => fields[column] != "-")
                .Select(fields => new SystemCall(Enum.Parse<Verdict>(fields[0], ignoreCase: true), fields[1], uint.Parse(fields[column], CultureInfo.InvariantCulture))),
        ];
    }
}
