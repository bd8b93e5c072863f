using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace FaasCluster.Contracts.Functions;

/// <summary>Typed access to one mapping of a manifest that collects an error for every wrong field.</summary>
internal sealed partial class ManifestFields(YamlMappingNode node, string prefix, List<FieldError> errors)
{
    public IEnumerable<string> Names => node.Children.Keys.OfType<YamlScalarNode>().Select(key => key.Value ?? "");

    public void Error(string field, string message) => errors.Add(new FieldError(prefix + field, message));

    public void RefuseUnknown(IReadOnlyList<string> known, IReadOnlyList<string> later)
    {
        foreach (var key in node.Children.Keys)
        {
            var name = (key as YamlScalarNode)?.Value ?? "";
            if (later.Contains(name))
            {
                Error(name, "is not supported by this version, so it is refused; remove it.");
            }
            else if (!known.Contains(name))
            {
                var nearest = Suggestion.For(name, known);
                Error(ManifestReader.Shorten(name), nearest is null ? $"is unknown; known are {string.Join(", ", known)}." : $"is unknown; did you mean '{nearest}'?");
            }
        }
    }

    public string? Text(string name, bool required = false, bool allowEmpty = false)
    {
        if (Find(name) is not { } value)
        {
            if (required)
            {
                Error(name, "is missing.");
            }

            return null;
        }

        if (value is not YamlScalarNode { Value: { } text })
        {
            Error(name, "is a list or a mapping; expected one value.");
            return null;
        }

        if (text.Length == 0 && !allowEmpty)
        {
            Error(name, "is empty.");
            return null;
        }

        if (text.Contains('\0') || !IsWellFormed(text))
        {
            Error(name, "holds a NUL or half a surrogate pair; expected Unicode text.");
            return null;
        }

        return text;
    }

    /// <summary>Whether the field is there and one value: some fields are a word or a mapping.</summary>
    public bool IsScalar(string name) => Find(name) is YamlScalarNode;

    public string? Choice(string name, IReadOnlyList<string> choices, bool required = false, Func<string, string>? resolve = null)
    {
        if (Text(name, required) is not { } text)
        {
            return null;
        }

        var resolved = resolve?.Invoke(text) ?? text;
        if (choices.Contains(resolved))
        {
            return resolved;
        }

        var nearest = Suggestion.For(text, choices);
        Error(name, $"'{ManifestReader.Shorten(text)}' is unknown; expected {string.Join(" or ", choices)}{(nearest is null ? "." : $"; did you mean '{nearest}'?")}");
        return null;
    }

    public int? Integer(string name, int minimum, int maximum)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum)
        {
            return number;
        }

        Error(name, $"'{ManifestReader.Shorten(text)}' is out of range; expected a whole number from {minimum} to {maximum}.");
        return null;
    }

    /// <summary>"256MB", "1GB"; a bare number is megabytes, as in Lambda.</summary>
    public long? Bytes(string name, long minimum, long maximum)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        var match = BytesPattern().Match(text);
        if (match.Success && decimal.TryParse(match.Groups[1].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= 1_000_000)
        {
            var bytes = (long)(number * (match.Groups[2].Value.StartsWith("G", StringComparison.OrdinalIgnoreCase) ? 1L << 30 : 1L << 20));
            if (bytes >= minimum && bytes <= maximum)
            {
                return bytes;
            }
        }

        Error(name, $"'{ManifestReader.Shorten(text)}' is out of range; expected {minimum >> 20}MB to {maximum >> 20}MB.");
        return null;
    }

    public TimeSpan? Duration(string name, TimeSpan minimum, TimeSpan maximum) =>
        Text(name) is { } text ? ParseDuration(name, text, minimum, maximum) : null;

    public IReadOnlyList<TimeSpan>? Durations(string name, TimeSpan minimum, TimeSpan maximum, int most)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        if (value is not YamlSequenceNode { Children: { Count: > 0 } items } || items.Count > most)
        {
            Error(name, $"is no list of 1 to {most} durations; expected for example [1m, 2m].");
            return null;
        }

        return [.. items.Select((item, i) => ParseDuration($"{name}[{i}]", (item as YamlScalarNode)?.Value ?? "", minimum, maximum) ?? minimum)];
    }

    public ManifestFields? Section(string name)
    {
        switch (Find(name))
        {
            case null:
                return null;
            case YamlMappingNode section:
                return new ManifestFields(section, $"{prefix}{name}.", errors);
            default:
                Error(name, "is no mapping; expected 'key: value' lines below it.");
                return null;
        }
    }

    private YamlNode? Find(string name) => node.Children.TryGetValue(new YamlScalarNode(name), out var value) ? value : null;

    private TimeSpan? ParseDuration(string name, string text, TimeSpan minimum, TimeSpan maximum)
    {
        var match = DurationPattern().Match(text);
        if (match.Success && double.TryParse(match.Groups[1].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= 1e9)
        {
            var unit = match.Groups[2].Value switch
            {
                "ms" => TimeSpan.FromMilliseconds(1),
                "m" => TimeSpan.FromMinutes(1),
                "h" => TimeSpan.FromHours(1),
                _ => TimeSpan.FromSeconds(1),
            };
            var duration = unit * number;
            if (duration >= minimum && duration <= maximum)
            {
                return duration;
            }
        }

        Error(name, $"'{ManifestReader.Shorten(text)}' is no duration from {Show(minimum)} to {Show(maximum)}; expected for example 500ms, 30s, 2m or 1h.");
        return null;
    }

    private static string Show(TimeSpan span) => span switch
    {
        { TotalHours: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours}h"),
        { TotalSeconds: >= 1 } => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds}s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds}ms"),
    };

    private static bool IsWellFormed(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return false;
            }
        }

        return true;
    }

    [GeneratedRegex(@"\A(\d{1,12}(?:\.\d{1,6})?)\s?(MB?|MiB|GB?|GiB)?\z", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex BytesPattern();

    [GeneratedRegex(@"\A(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex DurationPattern();
}
