using System.Security.Cryptography;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// AWS X-Ray's form of a trace (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader): the
/// trace id of W3C's, cut after its first eight digits.
/// </summary>
internal static class XRayTrace
{
    private const int Length = 55; // 00-(32)-(16)-(2)

    /// <summary>The trace of a W3C traceparent; one that is not sampled and that nobody else knows if there is none.</summary>
    public static string Of(string? traceParent, DateTimeOffset now)
    {
        if (traceParent is { Length: >= Length } && traceParent[2] == '-' && traceParent[35] == '-' && traceParent[52] == '-'
            && traceParent.AsSpan(3, 32).IndexOfAnyExcept("0123456789abcdef") < 0 && traceParent.AsSpan(36, 16).IndexOfAnyExcept("0123456789abcdef") < 0)
        {
            // The last digit of the flags: bit 0 is "sampled".
            var sampled = char.IsAsciiHexDigit(traceParent[54]) && (Convert.ToInt32(traceParent[54..55], 16) & 1) == 1;
            return $"Root=1-{traceParent[3..11]}-{traceParent[11..35]};Parent={traceParent[36..52]};Sampled={(sampled ? 1 : 0)}";
        }

        return $"Root=1-{now.ToUnixTimeSeconds():x8}-{RandomNumberGenerator.GetHexString(24, lowercase: true)};Parent={RandomNumberGenerator.GetHexString(16, lowercase: true)};Sampled=0";
    }
}
