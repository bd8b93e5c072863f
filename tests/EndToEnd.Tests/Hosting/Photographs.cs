using System.Buffers.Binary;

namespace FaasCluster.EndToEnd.Tests.Hosting;

/// <summary>Real photographs, from Debian's mate-backgrounds.</summary>
internal static class Photographs
{
    /// <summary>A butterfly of 2560 by 1600 pixels, 0.9 MB.</summary>
    public const string Butterfly = "/usr/share/backgrounds/mate/nature/TwoWings.jpg";

    /// <summary>Width and height of a JPEG, from its start-of-frame marker; fails if it is none.</summary>
    public static (int Width, int Height) SizeOf(ReadOnlySpan<byte> jpeg)
    {
        Assert.True(jpeg.Length > 4 && jpeg[0] == 0xFF && jpeg[1] == 0xD8, "It does not start like a JPEG.");
        var at = 2;
        while (at + 9 < jpeg.Length)
        {
            var marker = jpeg[at + 1];
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return (BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 7)..]), BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 5)..]));
            }

            at += 2 + BinaryPrimitives.ReadUInt16BigEndian(jpeg[(at + 2)..]);
        }

        Assert.Fail("The JPEG has no start of frame.");
        return default;
    }
}
