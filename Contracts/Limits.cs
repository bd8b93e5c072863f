namespace FaasCluster.Contracts;

/// <summary>Limits of the platform, those of AWS Lambda where Lambda has them.</summary>
public static class Limits
{
    /// <summary>Largest payload of a synchronous call and largest answer, in bytes: 6 MiB + 100, as Lambda enforces it.</summary>
    public const int SynchronousPayloadBytes = (6 << 20) + 100;

    /// <summary>Largest answer that is streamed to its caller, in bytes: 200 MiB, as for Lambda; the worker's setting may say less or more.</summary>
    public const long StreamedAnswerBytes = 200L << 20;

    /// <summary>Largest payload of an asynchronous invocation, in bytes: 1 MiB.</summary>
    public const int AsynchronousPayloadBytes = 1 << 20;

    /// <summary>Largest asynchronous payload that travels in the message, in bytes: 128 KiB; larger ones are stored and sent by reference.</summary>
    public const int InlinePayloadBytes = 128 << 10;

    /// <summary>Largest package as uploaded, in bytes: 50 MiB.</summary>
    public const long PackageBytes = 50L << 20;

    /// <summary>Largest package unpacked, in bytes: 250 MiB.</summary>
    public const long UnpackedPackageBytes = 250L << 20;

    /// <summary>Most entries of a package.</summary>
    public const int PackageEntries = 20_000;

    /// <summary>Log kept of one invocation, in bytes: 1 MiB; what comes after is replaced by a marker.</summary>
    public const int LogBytes = 1 << 20;

    /// <summary>Largest result of a success that is kept with its record, in bytes: 64 KiB.</summary>
    public const int RecordedResultBytes = 64 << 10;

    /// <summary>Largest event of a success that is kept with its record, in bytes: 64 KiB; those of failures are kept whole.</summary>
    public const int KeptEventBytes = 64 << 10;

    /// <summary>Longest delay of an asynchronous invocation: 7 days, and at most half of the store's retention.</summary>
    public static readonly TimeSpan LongestDelay = TimeSpan.FromDays(7);

    /// <summary>Longest error message that is kept, in characters.</summary>
    public const int ErrorMessageLength = 4096;
}
