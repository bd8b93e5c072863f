using System.Globalization;
using System.Text.RegularExpressions;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Topology;
using FaasCluster.Gateway.Parameters;
using FaasCluster.Storage;

namespace FaasCluster.Gateway.Delays;

/// <summary>Reads when an asynchronous invocation is due, from <see cref="HeaderNames.Delay"/> or <see cref="HeaderNames.At"/>.</summary>
internal static partial class DueTime
{
    // Clocks differ: what was now when it was sent is not refused.
    private static readonly TimeSpan PastAllowed = TimeSpan.FromMinutes(1);

    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"];

    /// <summary>The longest delay of an installation: a row must outlive its wait, its runs and the look at what became of it.</summary>
    public static TimeSpan Longest(StorageOptions storage) => storage.Retention / 2 < Limits.LongestDelay ? storage.Retention / 2 : Limits.LongestDelay;

    /// <summary>The time; null if the request does not ask for one, or for one that has passed: then it is due at once.</summary>
    public static DateTimeOffset? Read(IHeaderDictionary headers, bool isAsynchronous, DateTimeOffset now, TimeSpan longest, out FieldError? error)
    {
        var (delay, at) = (headers[HeaderNames.Delay], headers[HeaderNames.At]);
        error = null;
        if (delay.Count + at.Count == 0)
        {
            return null;
        }

        var name = delay.Count > 0 ? HeaderNames.Delay : HeaderNames.At;
        if (delay.Count + at.Count > 1)
        {
            error = new(name, $"is there more than once, or beside the other one; expected one of {HeaderNames.Delay} and {HeaderNames.At}.");
        }
        else if (!isAsynchronous)
        {
            error = new(name, "is for asynchronous invocations only; send 'Prefer: respond-async' with it.");
        }
        else if (delay.Count > 0 ? ReadDelay(delay[0] ?? "", now) is not { } due : ReadTime(at[0] ?? "") is not { } time || (due = time) == default)
        {
            error = new(name, $"'{Shown.Text((delay.Count > 0 ? delay : at)[0] ?? "")}' is no {(delay.Count > 0 ? "delay; expected for example 30, 30s, 5m, 2h or 1d" : "time; expected RFC 3339 with a zone, for example 2026-03-01T12:00:00Z")}.");
        }
        else if (due > now + longest)
        {
            error = new(name, string.Create(CultureInfo.InvariantCulture, $"'{Shown.Text((delay.Count > 0 ? delay : at)[0] ?? "")}' is too far away; at most {longest.TotalHours:0.##} hours from now are possible here."));
        }
        else if (due < now - PastAllowed)
        {
            error = new(name, $"'{Shown.Text(at[0] ?? "")}' has passed; expected a time to come.");
        }
        else
        {
            return due > now ? due : null;
        }

        return null;
    }

    private static DateTimeOffset? ReadDelay(string text, DateTimeOffset now)
    {
        var match = Span().Match(text);
        if (!match.Success)
        {
            return null;
        }

        // Nine digits of days stay within what a TimeSpan holds; a time may not.
        var number = decimal.Parse(match.Groups[1].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture);
        var ticks = number * (match.Groups[2].Value switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            "d" => TimeSpan.TicksPerDay,
            _ => TimeSpan.TicksPerSecond,
        });
        return ticks < (DateTimeOffset.MaxValue - now).Ticks ? now.AddTicks((long)ticks) : DateTimeOffset.MaxValue;
    }

    private static DateTimeOffset? ReadTime(string text) =>
        text.Length > 19 && DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var time) ? time : null;

    [GeneratedRegex(@"\A([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Span();
}
