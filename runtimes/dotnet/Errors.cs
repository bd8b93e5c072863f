using System.Diagnostics;
using System.Runtime.Loader;
using System.Text.Json;

namespace FaasCluster.Runtime;

/// <summary>Errors as the protocol has them.</summary>
internal static class Errors
{
    private const int MostFrames = 50;

    /// <summary>The header of an error frame.</summary>
    public static byte[] Describe(Exception error, string? id)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            if (id is not null)
            {
                json.WriteString("id", id);
            }

            json.WriteString("type", error is Failure failure ? failure.Kind : error.GetType().FullName);
            json.WriteString("message", Cut(Message(error)));
            json.WriteStartArray("stackTrace");
            foreach (var frame in UserFrames(error))
            {
                json.WriteStringValue(frame);
            }

            json.WriteEndArray();
            WriteAdvice(json, error);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static string Message(Exception error)
    {
        try
        {
            return error is TypeInitializationException { InnerException: { } inner } ? $"{error.Message} {inner.Message}" : error.Message;
        }
        catch (Exception)
        {
            // An overridden Message must not hide the error.
            return "(the error's text raised an error itself)";
        }
    }

    // Innermost last, as the protocol has it; a trace has it first.
    private static IEnumerable<string> UserFrames(Exception error)
    {
        var frames = new List<string>();
        for (var current = error is TypeInitializationException { InnerException: { } inner } ? inner : error; current is not null && frames.Count == 0; current = current.InnerException)
        {
            foreach (var frame in new StackTrace(current, fNeedFileInfo: true).GetFrames())
            {
                if (frame.GetMethod()?.DeclaringType is { } type && AssemblyLoadContext.GetLoadContext(type.Assembly) is PackageContext)
                {
                    frames.Add(Cut(new StackTrace(frame).ToString().Trim()));
                }
            }
        }

        return frames.Take(MostFrames).Reverse();
    }

    // What the error says about a further attempt, by its properties, so that it need not be of a class of ours.
    private static void WriteAdvice(Utf8JsonWriter json, Exception error)
    {
        try
        {
            if (error.GetType().GetProperty("DoNotRetry")?.GetValue(error) is true)
            {
                json.WriteBoolean("doNotRetry", true);
            }
            else if (error.GetType().GetProperty("RetryAfter")?.GetValue(error) is TimeSpan wait)
            {
                json.WriteNumber("retryAfterSeconds", Math.Clamp(wait.TotalSeconds, 0, 1e9));
            }
        }
        catch (Exception)
        {
            // A property that raises must not hide the error.
        }
    }

    private static string Cut(string text) => text.Length <= 4096 ? text : text[..4096];
}
