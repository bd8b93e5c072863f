using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Storage.Invocations;

namespace FaasCluster.Storage.Dispatches;

/// <summary>
/// The document that destinations get, in the shape of AWS Lambda's invocation record (developer guide, "Capturing records of Lambda
/// asynchronous invocations"). Payloads that are JSON stand in it as they are, other text as a string, everything else in base64,
/// which requestPayloadEncoding and responsePayloadEncoding then say.
/// </summary>
internal static class DestinationRecord
{
    public const string ContentType = "application/json";

    // What is longer could not be an event.
    private const int Longest = Limits.SynchronousPayloadBytes;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(AttemptRecord record)
    {
        var full = Write(record, withRequest: true, withResponse: true);
        if (full.Length <= Longest)
        {
            return full;
        }

        // The larger part goes first: the other may fit.
        var request = record.Event?.Length ?? 0;
        var response = record.Result?.Body.Length ?? 0;
        var part = Write(record, withRequest: request < response, withResponse: response <= request);
        return part.Length <= Longest ? part : Write(record, withRequest: false, withResponse: false);
    }

    /// <summary>How an error is told, as Lambda's runtimes do.</summary>
    public static byte[] WriteError(InvocationError error)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            WriteError(json, error);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Write(AttemptRecord record, bool withRequest, bool withResponse)
    {
        var message = record.Message;
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer, Options);
        json.WriteStartObject();
        json.WriteString("version", "1.0");
        json.WriteString("timestamp", record.EndedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteStartObject("requestContext");
        json.WriteString("requestId", message.InvocationId);
        json.WriteString("functionArn", Clean($"arn:aws:lambda:local:{message.AccountId}:function:{record.FunctionName}:{message.Revision}"));
        json.WriteString("condition", Condition(record.State));
        json.WriteNumber("approximateInvokeCount", message.Attempt);
        json.WriteEndObject();
        WritePayload(json, "requestPayload", record.Event, withRequest);
        json.WriteStartObject("responseContext");
        json.WriteNumber("statusCode", record.Result?.HttpStatus ?? 200);
        json.WriteString("executedVersion", message.Revision.ToString(CultureInfo.InvariantCulture));
        if (record.Error is { } error)
        {
            json.WriteString("functionError", error.Code.Describe().Fault == Fault.Function ? "Unhandled" : error.Code.ToWire());
            json.WriteEndObject();
            json.WritePropertyName("responsePayload");
            WriteError(json, error);
        }
        else
        {
            json.WriteEndObject();
            WritePayload(json, "responsePayload", record.Result?.Body, withResponse);
        }

        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static string Condition(InvocationState state) => state switch
    {
        InvocationState.Succeeded => "Success",
        InvocationState.Expired => "EventAgeExceeded",
        _ => "RetriesExhausted",
    };

    private static void WritePayload(Utf8JsonWriter json, string name, ReadOnlyMemory<byte>? payload, bool included)
    {
        if (payload is not { Length: > 0 } bytes || !included)
        {
            json.WriteNull(name);
            if (!included)
            {
                json.WriteString($"{name}Encoding", "omitted");
            }
        }
        else if (IsJson(bytes.Span))
        {
            json.WritePropertyName(name);
            json.WriteRawValue(bytes.Span, skipInputValidation: true);
        }
        else if (TryText(bytes.Span) is { } text)
        {
            json.WriteString(name, text);
            json.WriteString($"{name}Encoding", "text");
        }
        else
        {
            json.WriteBase64String(name, bytes.Span);
            json.WriteString($"{name}Encoding", "base64");
        }
    }

    private static bool IsJson(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var reader = new Utf8JsonReader(bytes);
            while (reader.Read())
            {
                // Also what the reader leaves for later: escapes and UTF-8 of strings. PostgreSQL is no judge here, receivers are.
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                {
                    _ = reader.GetString();
                }
            }

            return true;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static string? TryText(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return bytes.Contains((byte)0) ? null : StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static void WriteError(Utf8JsonWriter json, InvocationError error)
    {
        json.WriteStartObject();
        json.WriteString("errorMessage", Clean(error.Message));
        json.WriteString("errorType", Clean(error.Type ?? error.Code.ToWire()));
        if (error.StackTrace.Count > 0)
        {
            json.WriteStartArray("stackTrace");
            foreach (var frame in error.StackTrace)
            {
                json.WriteStringValue(Clean(frame));
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    // The writer throws at half a surrogate pair, and a record must not fail for its destination.
    private static string Clean(string text) => Sql.Stored.Text(text);
}
