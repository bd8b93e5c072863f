using System.Globalization;

namespace FaasCluster.Cli.Output;

/// <summary>Numbers with their units, the same everywhere and in every locale.</summary>
internal static class Figures
{
    /// <summary>"0.6 ms", "123 ms", "1.2 s", "2 min 5 s".</summary>
    public static string Duration(TimeSpan span) => span switch
    {
        { TotalMilliseconds: < 9.95 } => Text($"{span.TotalMilliseconds:0.0} ms"),
        { TotalMilliseconds: < 999.5 } => Text($"{span.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 59.95 } => Text($"{span.TotalSeconds:0.0} s"),
        { TotalMinutes: < 60 } => Text($"{span.Minutes} min {span.Seconds} s"),
        { TotalHours: < 48 } => Text($"{(int)span.TotalHours} h {span.Minutes} min"),
        _ => Text($"{(int)span.TotalDays} d"),
    };

    public static string Milliseconds(double milliseconds) => Duration(TimeSpan.FromMilliseconds(milliseconds));

    /// <summary>"512 B", "2.1 kB", "3.4 MB": powers of 1,000.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1000 => Text($"{bytes} B"),
        < 999_950 => Text($"{bytes / 1e3:0.0} kB"),
        < 999_950_000 => Text($"{bytes / 1e6:0.0} MB"),
        _ => Text($"{bytes / 1e9:0.0} GB"),
    };

    /// <summary>"18 MB": megabytes of 2^20 bytes, as memory is configured.</summary>
    public static string Memory(double megabytes) => Text($"{megabytes:0} MB");

    /// <summary>"0.0000002 USD": as many places as it has, up to twelve.</summary>
    public static string Money(decimal amount, string? currency) =>
        string.IsNullOrEmpty(currency) ? Text($"{amount:0.############}") : Text($"{amount:0.############} {(currency == "USD" ? "$" : currency)}");

    /// <summary>"2026-03-01 12:00:00", in the local time of whoever looks.</summary>
    public static string Time(DateTimeOffset instant, TimeProvider time) =>
        TimeZoneInfo.ConvertTime(instant, time.LocalTimeZone).ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>With milliseconds: for log lines.</summary>
    public static string PreciseTime(DateTimeOffset instant, TimeProvider time) =>
        TimeZoneInfo.ConvertTime(instant, time.LocalTimeZone).ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
