using System.Buffers;
using System.Text.Json;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// Passes on an answer that a runtime sends in pieces (Lambda-Runtime-Function-Response-Mode: streaming). With the content type
/// <see cref="WithPrelude"/> it begins with a JSON object of status, header fields and cookies, and eight NUL bytes.
/// </summary>
internal static class StreamedAnswer
{
    /// <summary>The content type of answers with a prelude.</summary>
    public const string WithPrelude = "application/vnd.awslambda.http-integration-response";

    private const int MostPreludeBytes = 64 << 10;
    private const int MostPieceBytes = 64 << 10;
    private const string AnyBytes = "application/octet-stream";

    private static readonly byte[] Separator = new byte[8];

    /// <summary>Passes it on; the request has been read to its end then.</summary>
    /// <returns>Why it is no answer; null if it is one: <see cref="IResponseStream.End"/> has it.</returns>
    public static async Task<InvocationError?> CopyAsync(HttpRequest request, RuntimeInvocation invocation, CancellationToken cancellationToken)
    {
        var head = new InvocationResult { HttpStatus = invocation.IsHttp ? 200 : null, ContentType = request.ContentType ?? AnyBytes };
        if (head.ContentType.StartsWith(WithPrelude, StringComparison.OrdinalIgnoreCase))
        {
            var (prelude, problem) = await ReadPreludeAsync(request, cancellationToken);
            if (prelude is null)
            {
                return problem;
            }

            head = invocation.IsHttp ? prelude : new InvocationResult { ContentType = prelude.ContentType };
        }

        await invocation.Response.StartAsync(head, cancellationToken);
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            foreach (var segment in read.Buffer)
            {
                for (var rest = segment; rest.Length > 0; rest = rest[Math.Min(rest.Length, MostPieceBytes)..])
                {
                    await invocation.Response.WriteAsync(rest[..Math.Min(rest.Length, MostPieceBytes)], cancellationToken);
                }
            }

            request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return null;
            }
        }
    }

    private static async Task<(InvocationResult? Head, InvocationError? Problem)> ReadPreludeAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(cancellationToken);
            var sequence = new SequenceReader<byte>(read.Buffer);
            if (sequence.TryReadTo(out ReadOnlySequence<byte> prelude, Separator))
            {
                var found = Parse(prelude.ToArray());
                request.BodyReader.AdvanceTo(sequence.Position);
                return found;
            }

            request.BodyReader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted || read.Buffer.Length > MostPreludeBytes)
            {
                return Invalid($"does not begin with a JSON object of at most {MostPreludeBytes} bytes and eight NUL bytes, as {WithPrelude} does.");
            }
        }
    }

    private static (InvocationResult? Head, InvocationError? Problem) Parse(ReadOnlyMemory<byte> prelude)
    {
        try
        {
            using var document = JsonDocument.Parse(prelude);
            if (document.RootElement is not { ValueKind: JsonValueKind.Object } root)
            {
                return Invalid("has a prelude that is no JSON object.");
            }

            var hasType = root.TryGetProperty("headers", out var headers) && headers.ValueKind == JsonValueKind.Object
                && headers.EnumerateObject().Any(header => header.Name.Equals("content-type", StringComparison.OrdinalIgnoreCase));
            var (head, problem) = root.TryGetProperty("statusCode", out _) ? HttpResponseV2.Read(prelude) : HttpResponseV2.Read(WithStatus(root));
            return (head is null || hasType ? head : head with { ContentType = AnyBytes }, problem);
        }
        catch (JsonException exception)
        {
            return Invalid($"has a prelude that is no JSON: {exception.Message}");
        }
    }

    private static ReadOnlyMemory<byte> WithStatus(JsonElement root)
    {
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteNumber("statusCode", 200);
        foreach (var property in root.EnumerateObject())
        {
            property.WriteTo(json);
        }

        json.WriteEndObject();
        json.Flush();
        return output.WrittenMemory;
    }

    private static (InvocationResult?, InvocationError?) Invalid(string problem) =>
        (null, new InvocationError { Code = ErrorCode.InvalidResponse, Message = $"The function's streamed answer {problem}" });
}
