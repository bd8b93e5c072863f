using System.Buffers;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Problems;
using Microsoft.AspNetCore.Http.Features;

namespace FaasCluster.Gateway.Invocations;

/// <summary>Reads an event's bytes once, within the limit, whether its length was announced or not.</summary>
internal static class RequestBody
{
    private const int FirstBuffer = 16 << 10;

    /// <summary>Whether a request of unknown length has a body at all.</summary>
    public static bool CanBeThere(HttpContext context) =>
        context.Features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: false };

    /// <summary>The bytes; null if there are more than <paramref name="limit"/>.</summary>
    public static async ValueTask<ReadOnlyMemory<byte>?> ReadAsync(HttpContext context, int limit)
    {
        var length = context.Request.ContentLength;
        if (length > limit)
        {
            return null;
        }

        if (length == 0 || (length is null && !CanBeThere(context)))
        {
            return ReadOnlyMemory<byte>.Empty;
        }

        // Exact for what is small and announced. Beyond that the buffer grows with what arrives: a length that is only claimed
        // must not cost memory.
        var reader = context.Request.BodyReader;
        var buffer = new byte[(int)Math.Min(length ?? FirstBuffer, FirstBuffer)];
        var count = 0;
        while (true)
        {
            var result = await reader.ReadAsync(context.RequestAborted);
            var arrived = result.Buffer;
            if (count + arrived.Length > limit)
            {
                reader.AdvanceTo(arrived.End);
                return null;
            }

            if (count + arrived.Length > buffer.Length)
            {
                var doubled = Math.Max(count + arrived.Length, buffer.Length * 2L);
                Array.Resize(ref buffer, (int)Math.Min(doubled, length ?? limit));
            }

            arrived.CopyTo(buffer.AsSpan(count));
            count += (int)arrived.Length;
            reader.AdvanceTo(arrived.End);
            if (result.IsCompleted)
            {
                return buffer.AsMemory(0, count);
            }
        }
    }

    public static ProblemAnswer TooLarge(int limit) =>
        ProblemAnswer.For(ErrorCode.PayloadTooLarge, $"The body has more than {limit} bytes, which is the limit here; put large data where the function can fetch it, or send it in parts.");
}
