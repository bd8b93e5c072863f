using System.ComponentModel.DataAnnotations;
using FaasCluster.Contracts.Billing;

namespace FaasCluster.Contracts.Tests.Billing;

public sealed class PriceTableTests
{
    [Fact]
    public void PriceTable_Default_IsValid() => Assert.Empty(Validate(new PriceTable()));

    public static TheoryData<PriceTable, string> Wrong => new()
    {
        { new PriceTable { Version = "" }, nameof(PriceTable.Version) },
        { new PriceTable { Version = new string('v', 65) }, nameof(PriceTable.Version) },
        { new PriceTable { Currency = "usd" }, nameof(PriceTable.Currency) },
        { new PriceTable { Currency = "DOLLARS" }, nameof(PriceTable.Currency) },
        { new PriceTable { PerGigabyteSecond = -1 }, nameof(PriceTable.PerGigabyteSecond) },
        { new PriceTable { PerRequest = 1_000_001 }, nameof(PriceTable.PerRequest) },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void PriceTable_OutOfRange_IsRefusedByName(PriceTable table, string member)
    {
        Assert.Equal([member], Validate(table).SelectMany(result => result.MemberNames));
    }

    private static List<ValidationResult> Validate(PriceTable table)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(table, new ValidationContext(table), results, validateAllProperties: true);
        return results;
    }
}
