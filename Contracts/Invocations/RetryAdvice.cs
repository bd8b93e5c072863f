using System.Globalization;

namespace FaasCluster.Contracts.Invocations;

/// <summary>What a function that failed says about a further attempt. It bends the backoff of its policy, never the number of attempts upwards.</summary>
public sealed record RetryAdvice
{
    /// <summary>The shortest wait that a function may ask for.</summary>
    public static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait that a function may ask for: the longest maximum age.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(6);

    /// <summary>No further attempt: it would fail as well.</summary>
    public static readonly RetryAdvice Never = new();

    private RetryAdvice()
    {
    }

    /// <summary>How long the next attempt has to wait, <see cref="Shortest"/> to <see cref="Longest"/>; null: there is to be none.</summary>
    public TimeSpan? Wait { get; private init; }

    /// <summary>A wait of so many seconds, brought into the bounds. Null for what is no number: then the policy's backoff holds.</summary>
    public static RetryAdvice? After(double seconds) => double.IsNaN(seconds)
        ? null
        : new RetryAdvice { Wait = TimeSpan.FromSeconds(Math.Clamp(seconds, Shortest.TotalSeconds, Longest.TotalSeconds)) };

    /// <summary>A wait as a header field or a line says it: seconds in digits, perhaps with a fraction. Null for anything else.</summary>
    public static RetryAdvice? Read(ReadOnlySpan<char> seconds) =>
        double.TryParse(seconds.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? After(number) : null;
}
