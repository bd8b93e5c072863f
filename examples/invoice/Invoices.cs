namespace Shop;

/// <summary>Makes an invoice of an order: totals by tax rate, rounded once per rate as tax offices want it.</summary>
public sealed class Invoices
{
    private int made;

    public async Task<Invoice> Make(Order order, IInvoiceContext context)
    {
        if (order.Lines is not { Count: > 0 } lines)
        {
            throw new WrongOrderException("The order has no lines.");
        }

        if (lines.FirstOrDefault(line => line.Quantity <= 0 || line.Price < 0) is { } wrong)
        {
            throw new WrongOrderException($"'{wrong.Article}' has the quantity {wrong.Quantity} and the price {wrong.Price}.");
        }

        await Console.Out.WriteLineAsync($"invoice {++made} of this sandbox, {lines.Count} lines");
        var taxes = lines
            .GroupBy(line => line.TaxPercent)
            .OrderBy(group => group.Key)
            .Select(group => Tax.Of(group.Key, group.Sum(line => line.Quantity * line.Price)))
            .ToList();
        var net = taxes.Sum(tax => tax.Net);
        return new Invoice(context.AwsRequestId, order.Customer ?? "", taxes, net, net + taxes.Sum(tax => tax.Amount));
    }
}

/// <summary>What is asked of the platform; members are found by their names.</summary>
public interface IInvoiceContext
{
    string AwsRequestId { get; }
}

/// <summary>Tried again, the order would still be wrong.</summary>
public sealed class WrongOrderException(string message) : Exception(message)
{
    public bool DoNotRetry => true;
}

public sealed record Order(string? Customer, List<Line>? Lines);

public sealed record Line(string Article, int Quantity, decimal Price, decimal TaxPercent);

public sealed record Tax(decimal Percent, decimal Net, decimal Amount)
{
    public static Tax Of(decimal percent, decimal net) => new(percent, net, Math.Round(net * percent / 100, 2, MidpointRounding.AwayFromZero));
}

public sealed record Invoice(string Number, string Customer, List<Tax> Taxes, decimal Net, decimal Total);
