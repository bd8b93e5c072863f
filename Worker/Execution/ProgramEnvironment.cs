using System.Globalization;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Execution;

/// <summary>The environment of one run of a program: that of the function, the invocation, and of an HTTP request as CGI (RFC 3875) has it.</summary>
internal static class ProgramEnvironment
{
    private const int MostHeaderBytes = 64 << 10;

    public static Dictionary<string, string> Of(FunctionRevision revision, InvocationMessage message, DateTimeOffset deadline)
    {
        var environment = FunctionEnvironment.Of(revision);
        environment["FAAS_INVOCATION_ID"] = message.InvocationId.ToString("D", CultureInfo.InvariantCulture);
        environment["FAAS_ATTEMPT"] = message.Attempt.ToString(CultureInfo.InvariantCulture);
        environment["FAAS_DEADLINE_MS"] = deadline.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        environment["FAAS_TRIGGER"] = message.Trigger.ToWire();
        if (message.TraceParent is { } trace)
        {
            environment["TRACEPARENT"] = Clean(trace);
        }

        environment["CONTENT_LENGTH"] = message.Body.Length.ToString(CultureInfo.InvariantCulture);
        if (message.ContentType is { } contentType)
        {
            environment["CONTENT_TYPE"] = Clean(contentType);
        }

        if (message.Http is { } http)
        {
            AddRequest(environment, http);
        }

        return environment;
    }

    private static void AddRequest(Dictionary<string, string> environment, HttpEvent http)
    {
        environment["GATEWAY_INTERFACE"] = "CGI/1.1";
        environment["REQUEST_METHOD"] = Clean(http.Method);
        environment["REQUEST_SCHEME"] = Clean(http.Scheme);
        environment["SCRIPT_NAME"] = Clean(http.PathBase);
        environment["PATH_INFO"] = Clean(Uri.UnescapeDataString(http.Path));
        environment["QUERY_STRING"] = Clean(http.Query);
        environment["SERVER_PROTOCOL"] = Clean(http.Protocol);
        environment["SERVER_NAME"] = Clean(http.Host);
        environment["REMOTE_ADDR"] = Clean(http.SourceIp);
        var size = 0;
        foreach (var (name, value) in http.Headers)
        {
            // "Proxy" would become HTTP_PROXY, which programs obey (httpoxy). A name with anything but letters, digits and '-' could
            // be made to look like another one.
            if (name is "proxy" or "content-type" or "content-length" or "authorization" || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            {
                continue;
            }

            size += name.Length + value.Length;
            if (size > MostHeaderBytes)
            {
                break;
            }

            var key = "HTTP_" + name.ToUpperInvariant().Replace('-', '_');
            var separator = name == "cookie" ? "; " : ", ";
            environment[key] = environment.TryGetValue(key, out var before) ? before + separator + Clean(value) : Clean(value);
        }
    }

    // Scripts print such values line by line, and no variable can hold a NUL.
    private static string Clean(string text) => text.Any(char.IsControl) ? string.Concat(text.Where(c => !char.IsControl(c))) : text;
}
