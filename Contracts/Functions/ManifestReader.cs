using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace FaasCluster.Contracts.Functions;

/// <summary>Reads a function.yaml (or the same in JSON, which is YAML) and says everything that is wrong with it at once.</summary>
public static partial class ManifestReader
{
    /// <summary>The largest manifest, in characters.</summary>
    public const int MaximumLength = 64 * 1024;

    private const string DefaultHandler = "bootstrap";

    // A manifest needs five: stream, document, mapping, section, list.
    private const int MaximumDepth = 16;

    private static readonly string[] Keys =
    [
        "name", "runtime", "handler", "signature", "memory", "timeout", "initTimeout", "waitTimeout", "keepAlive", "concurrency", "minInstances", "queueLimit", "network", "url", "env", "retries",
        "keepEvents", "onSuccess", "onFailure",
    ];

    // Keys of the design that this version cannot honour: refusing them is honest, ignoring them is not.
    private static readonly string[] LaterKeys = ["secrets", "triggers"];

    /// <summary>Reads a manifest.</summary>
    /// <param name="text">YAML or JSON.</param>
    /// <param name="errors">What is wrong, by field; empty if the result is not null.</param>
    /// <returns>The manifest with defaults filled in, or null if there are errors.</returns>
    public static FunctionManifest? Read(string text, out IReadOnlyList<FieldError> errors)
    {
        var found = new List<FieldError>();
        errors = found;
        if (text.Length > MaximumLength)
        {
            found.Add(new("manifest", $"has {text.Length} characters; at most {MaximumLength} are allowed."));
            return null;
        }

        if (Parse(text, found) is not { } root)
        {
            return null;
        }

        var fields = new ManifestFields(root, "", found);
        fields.RefuseUnknown(Keys, LaterKeys);
        var name = fields.Text("name", required: true);
        if (name is not null && !IsFunctionName(name))
        {
            fields.Error("name", $"'{Shorten(name)}' is no function name; expected 1 to 64 of a-z, 0-9 and '-', starting with a letter and ending with a letter or digit.");
        }

        var runtime = fields.Choice("runtime", RuntimeIds.All, required: true, resolve: RuntimeIds.Resolve);
        var handler = fields.Text("handler", required: runtime != RuntimeIds.Provided) ?? (runtime == RuntimeIds.Provided ? DefaultHandler : null);
        if (handler is not null && runtime is not null)
        {
            CheckHandler(fields, runtime, handler);
        }

        var signature = fields.Choice("signature", ["auto", "event", "http"]) switch
        {
            "event" => HandlerSignature.Event,
            "http" => HandlerSignature.Http,
            _ => HandlerSignature.Auto,
        };
        if (runtime is RuntimeIds.Executable or RuntimeIds.Wasm or RuntimeIds.DotNet or RuntimeIds.Provided && signature == HandlerSignature.Http)
        {
            fields.Error("signature", $"'http' does not exist for the {runtime} runtime; use event.");
        }

        var defaults = new FunctionManifest { Name = "", Runtime = "", Handler = "" };
        var memory = fields.Bytes("memory", 64L << 20, 10240L << 20) ?? defaults.MemoryBytes;
        var timeout = fields.Duration("timeout", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(900)) ?? defaults.Timeout;
        var initTimeout = fields.Duration("initTimeout", TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(300)) ?? defaults.InitTimeout;
        var waitTimeout = fields.Duration("waitTimeout", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(300)) ?? defaults.WaitTimeout;
        var keepAlive = fields.Duration("keepAlive", TimeSpan.Zero, TimeSpan.FromHours(24));
        var concurrency = fields.Integer("concurrency", 1, 10_000);
        var minInstances = fields.Integer("minInstances", 0, 1_000) ?? 0;
        if (minInstances > concurrency)
        {
            fields.Error("minInstances", $"{minInstances} are more than 'concurrency' ({concurrency}) allows to exist; lower it or raise that.");
        }

        var queueLimit = fields.Integer("queueLimit", 1, 1_000_000);
        var network = fields.Choice("network", ["none", "egress"]);
        if (runtime == RuntimeIds.Wasm && network == "egress")
        {
            fields.Error("network", "'egress' does not exist for the wasm runtime: wasm functions have no network; remove 'network', or set it to none.");
        }

        var auth = UrlAuth.Key;
        if (fields.Section("url") is { } url)
        {
            url.RefuseUnknown(["auth"], []);
            auth = url.Choice("auth", ["key", "none"]) == "none" ? UrlAuth.None : UrlAuth.Key;
        }

        var environment = ReadEnvironment(fields);
        var retries = ReadRetries(fields);
        var keepEvents = fields.Choice("keepEvents", ["all", "failures"]) == "failures" ? EventKeeping.Failures : EventKeeping.All;
        var onSuccess = DestinationReader.Read(fields, "onSuccess");
        var onFailure = DestinationReader.Read(fields, "onFailure");
        return found.Count > 0
            ? null
            : new FunctionManifest
            {
                Name = name!,
                Runtime = runtime!,
                Handler = handler!,
                Signature = signature,
                MemoryBytes = memory,
                Timeout = timeout,
                InitTimeout = initTimeout,
                WaitTimeout = waitTimeout,
                KeepAlive = keepAlive,
                Concurrency = concurrency,
                MinInstances = minInstances,
                QueueLimit = queueLimit,
                Network = network == "none" || runtime == RuntimeIds.Wasm ? NetworkPolicy.None : NetworkPolicy.Egress,
                NetworkIsRequired = network == "egress",
                UrlAuth = auth,
                Environment = environment,
                Retries = retries,
                KeepEvents = keepEvents,
                OnSuccess = onSuccess,
                OnFailure = onFailure,
            };
    }

    /// <summary>Whether a name may be a function's.</summary>
    public static bool IsFunctionName(string name) => NamePattern().IsMatch(name);

    private static YamlMappingNode? Parse(string text, List<FieldError> errors)
    {
        try
        {
            if (FindHarm(text) is { } harm)
            {
                errors.Add(new("manifest", harm));
                return null;
            }

            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            if (stream.Documents is [{ RootNode: YamlMappingNode root }])
            {
                return root;
            }

            errors.Add(new("manifest", "is no YAML mapping; expected lines such as 'name: hello'."));
        }
        catch (YamlException exception)
        {
            errors.Add(new("manifest", $"is no valid YAML (line {exception.Start.Line}, column {exception.Start.Column}): {exception.Message}"));
        }

        return null;
    }

    // The tree of a document is built and compared by recursion: thirty thousand brackets would overflow the stack, which ends the
    // process, and aliases of aliases would multiply. The events come one after the other, so they are looked at first.
    private static string? FindHarm(string text)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (parser.MoveNext())
        {
            depth += parser.Current!.NestingIncrease;
            if (depth > MaximumDepth)
            {
                return $"is nested deeper than {MaximumDepth} levels (line {parser.Current.Start.Line}).";
            }

            if (parser.Current is AnchorAlias or NodeEvent { Anchor.IsEmpty: false })
            {
                return $"uses an anchor or an alias (line {parser.Current.Start.Line}); write the value out.";
            }
        }

        return null;
    }

    private static void CheckHandler(ManifestFields fields, string runtime, string handler)
    {
        if (runtime == RuntimeIds.Provided)
        {
            // What it means is the program's own affair.
            if (handler.Length > 128 || handler.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
            {
                fields.Error("handler", $"'{Shorten(handler)}' is no handler; expected at most 128 characters without spaces.");
            }
        }
        else if (runtime is RuntimeIds.Executable or RuntimeIds.Wasm)
        {
            if (handler.Length > 255 || !FilePattern().IsMatch(handler) || handler.Split('/').Contains(".."))
            {
                fields.Error("handler", $"'{Shorten(handler)}' is no file of a package; expected a relative path such as '{(runtime == RuntimeIds.Wasm ? "main.wasm" : "main.sh")}'.");
            }
        }
        else if (runtime == RuntimeIds.DotNet)
        {
            if (handler.Length > 255 || !MethodPattern().IsMatch(handler))
            {
                fields.Error("handler", $"'{Shorten(handler)}' is no handler; expected 'Assembly::Namespace.Type::Method', for example 'Shop::Shop.Orders::Total'.");
            }
        }
        else if (handler.Length > 255 || !HandlerPattern().IsMatch(handler))
        {
            fields.Error("handler", $"'{Shorten(handler)}' is no handler; expected 'module.function', for example 'app.handler'.");
        }
    }

    private static Dictionary<string, string> ReadEnvironment(ManifestFields fields)
    {
        var environment = new Dictionary<string, string>();
        if (fields.Section("env") is not { } section)
        {
            return environment;
        }

        var size = 0;
        foreach (var key in section.Names)
        {
            var value = section.Text(key, allowEmpty: true);
            size += key.Length + (value?.Length ?? 0);
            if (!VariablePattern().IsMatch(key) || key.Length > 128)
            {
                section.Error(key, "is no variable name; expected letters, digits and '_', not starting with a digit.");
            }
            else if (key.StartsWith("FAAS_", StringComparison.Ordinal) || key.StartsWith("AWS_LAMBDA_", StringComparison.Ordinal))
            {
                section.Error(key, "is reserved for the platform; choose a name that does not start with FAAS_ or AWS_LAMBDA_.");
            }
            else if (value is not null)
            {
                environment[key] = value;
            }
        }

        if (size > 4096)
        {
            fields.Error("env", $"has {size} characters together; at most 4096 are allowed.");
        }

        return environment;
    }

    private static RetryPolicy ReadRetries(ManifestFields fields)
    {
        var defaults = new RetryPolicy();
        if (fields.IsScalar("retries"))
        {
            if (fields.Text("retries") is { } word && word != "never")
            {
                fields.Error("retries", $"'{Shorten(word)}' is unknown; expected never, or a mapping such as {{ attempts: 2 }}.");
            }

            return RetryPolicy.Never;
        }

        if (fields.Section("retries") is not { } section)
        {
            return defaults;
        }

        section.RefuseUnknown(["attempts", "backoff", "maxAge"], []);
        return new RetryPolicy
        {
            Attempts = section.Integer("attempts", 0, 10) ?? defaults.Attempts,
            Backoff = section.Durations("backoff", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1), 10) ?? defaults.Backoff,
            MaximumAge = section.Duration("maxAge", TimeSpan.FromSeconds(60), TimeSpan.FromHours(6)) ?? defaults.MaximumAge,
        };
    }

    /// <summary>Whether a text may name a connection of a destination.</summary>
    public static bool IsConnectionName(string text) => ConnectionPattern().IsMatch(text);

    internal static string Shorten(string value)
    {
        var safe = string.Concat(value.Take(64).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return value.Length > 64 ? safe + "..." : safe;
    }

    [GeneratedRegex(@"\A[a-z]([a-z0-9-]{0,62}[a-z0-9])?\z", RegexOptions.CultureInvariant)]
    private static partial Regex NamePattern();

    [GeneratedRegex(@"\A[A-Za-z_$][\w$/-]*(\.[A-Za-z_$][\w$]*)+\z", RegexOptions.CultureInvariant | RegexOptions.ECMAScript)]
    private static partial Regex HandlerPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex FilePattern();

    [GeneratedRegex(@"\A[A-Za-z_][\w.-]*::[A-Za-z_][\w.+]*::[A-Za-z_]\w*\z", RegexOptions.CultureInvariant | RegexOptions.ECMAScript)]
    private static partial Regex MethodPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9_-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex ConnectionPattern();

    [GeneratedRegex(@"\A[A-Za-z_][A-Za-z0-9_]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex VariablePattern();
}
