using System.Globalization;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// The environment of a Lambda program (https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime),
/// but for AWS_EXECUTION_ENV, which "provided" does not have, and credentials, which this platform does not give out.
/// </summary>
internal static class ProvidedEnvironment
{
    /// <summary>Where the Runtime API is, seen from inside.</summary>
    public const int Port = 9001;

    /// <summary>The region in ARNs, here as in the other runtimes.</summary>
    public const string Region = "local";

    /// <summary>Why the function's own variables cannot be given to a program; null if they can.</summary>
    public static string? FindProblem(FunctionManifest manifest) =>
        manifest.Environment.FirstOrDefault(variable => variable.Value.Contains('\0')) is { Key: { } name }
            ? $"The environment variable {name} holds a NUL character; expected text without. Change 'env' in the manifest and deploy again."
            : null;

    /// <summary>The variables, those of the function among them.</summary>
    public static Dictionary<string, string> Of(FunctionRevision revision, TimeProvider time)
    {
        var environment = FunctionEnvironment.Of(revision);
        foreach (var (name, value) in Replaceable)
        {
            environment.TryAdd(name, value);
        }

        environment["AWS_LAMBDA_RUNTIME_API"] = string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{Port}");
        environment["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
        environment["AWS_LAMBDA_LOG_STREAM_NAME"] = string.Create(
            CultureInfo.InvariantCulture, $"{time.GetUtcNow():yyyy'/'MM'/'dd}/[{revision.Revision}]{Uuid7.New(time):N}");
        environment["LAMBDA_RUNTIME_DIR"] = RootTree.RuntimeDirectory;
        return environment;
    }

    // A function may have another opinion about these, for example to talk to one of AWS's regions.
    private static readonly KeyValuePair<string, string>[] Replaceable =
    [
        new("AWS_REGION", Region),
        new("AWS_DEFAULT_REGION", Region),
        new("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        new("LD_LIBRARY_PATH", "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"),
        new("LANG", "C.UTF-8"),
        new("TZ", ":UTC"),
    ];
}
