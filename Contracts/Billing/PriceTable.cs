using System.ComponentModel.DataAnnotations;

namespace FaasCluster.Contracts.Billing;

/// <summary>What compute costs. The defaults are those that AWS published for Lambda on x86.</summary>
public sealed record PriceTable
{
    /// <summary>Names this table in every bill; change it with any price. 1 to 64 characters, default "default-1".</summary>
    [Required, StringLength(64, MinimumLength = 1)]
    public string Version { get; init; } = "default-1";

    /// <summary>ISO 4217 code, default "USD".</summary>
    [Required, RegularExpression("^[A-Z]{3}$")]
    public string Currency { get; init; } = "USD";

    /// <summary>Price of one GB-second (1 GB = 2^30 bytes), 0 and up, default 0.0000166667.</summary>
    [Range(typeof(decimal), "0", "1000000")]
    public decimal PerGigabyteSecond { get; init; } = 0.0000166667m;

    /// <summary>Price of one recorded attempt, 0 and up, default 0.0000002 (0.20 per million).</summary>
    [Range(typeof(decimal), "0", "1000000")]
    public decimal PerRequest { get; init; } = 0.0000002m;
}
