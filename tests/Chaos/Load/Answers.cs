using System.Text.Json;

namespace FaasCluster.Chaos.Load;

/// <summary>Looks whether an answer belongs to its caller.</summary>
internal static class Answers
{
    /// <summary>Null if it does, else what is wrong.</summary>
    public static string? Check(ReadOnlySpan<byte> body, string nonce, string sha256)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var answer = JsonDocument.ParseValue(ref reader);
            var root = answer.RootElement;
            if (root.GetProperty("n").GetString() != nonce || root.GetProperty("sha256").GetString() != sha256)
            {
                return $"the answer {root} came to the caller of {nonce} with hash {sha256}";
            }

            return root.TryGetProperty("v", out var version) && version.GetString()!.Split('-') is var halves && halves[0] != halves[1]
                ? $"code and environment of different revisions answered: {version}"
                : null;
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"the answer to {nonce} is none: {exception.Message}";
        }
    }
}
