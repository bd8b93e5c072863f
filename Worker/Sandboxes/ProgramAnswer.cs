using System.Text.Json;
using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>The answer of a program that writes it to standard output and says nothing about its type.</summary>
internal static class ProgramAnswer
{
    public static InvocationResult Of(ReadOnlyMemory<byte> body) => new() { ContentType = IsJson(body) ? "application/json" : "text/plain; charset=utf-8", Body = body };

    private static bool IsJson(ReadOnlyMemory<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body.Span);
            while (reader.Read())
            {
            }

            return !body.IsEmpty;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
