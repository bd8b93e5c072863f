using System.Globalization;
using System.Text.RegularExpressions;

namespace FaasCluster.Gateway.Parameters;

/// <summary>Times as people write them: RFC 3339, or an age.</summary>
internal static partial class Instants
{
    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd"];

    /// <summary>Reads a time from 1970 to 9998.</summary>
    /// <param name="text">For example "2026-01-31T12:00:00Z", "2026-01-31", "90s", "30m", "1h", "7d".</param>
    /// <param name="now">What ages are counted from.</param>
    /// <param name="instant">The time in UTC.</param>
    public static bool TryParse(string text, DateTimeOffset now, out DateTimeOffset instant)
    {
        if (Age().Match(text) is { Success: true } match)
        {
            var number = long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
            var age = match.Groups[2].ValueSpan[0] switch
            {
                's' => TimeSpan.FromSeconds(number),
                'm' => TimeSpan.FromMinutes(number),
                'h' => TimeSpan.FromHours(number),
                _ => TimeSpan.FromDays(number),
            };
            instant = age < now - DateTimeOffset.UnixEpoch ? now - age : default;
            return instant != default;
        }

        const DateTimeStyles styles = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        return DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, styles, out instant) && instant.Year is >= 1970 and < 9999;
    }

    // Six digits keep every unit within what a TimeSpan holds.
    [GeneratedRegex(@"\A([0-9]{1,6})([smhd])\z", RegexOptions.CultureInvariant)]
    private static partial Regex Age();
}
