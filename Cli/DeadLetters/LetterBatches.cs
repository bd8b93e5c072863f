using FaasCluster.Cli.Connections;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.DeadLetters;

/// <summary>Does something to all letters that match a filter, batch by batch.</summary>
internal static class LetterBatches
{
    /// <summary>Sends the request until the API says that no letter is left.</summary>
    public static async Task<DeadLetterReport> SendAsync(
        ApiClient api, HttpMethod method, string path, List<(string Key, string Value)> query, string what, CancellationToken cancellationToken)
    {
        var total = new DeadLetterReport { Count = 0 };
        string? cursor = null;
        do
        {
            IEnumerable<(string Key, string Value)> parts = cursor is null ? query : [.. query, ("cursor", cursor)];
            using var request = new HttpRequestMessage(method, $"{path}{LetterChoice.Query(parts)}");
            using var response = await api.SendAsync(request, $"{what} ({total.Count} so far)", ApiClient.UsualTimeout, cancellationToken);
            await api.ThrowIfFailedAsync(response, cancellationToken);
            var report = await api.ReadAsync<DeadLetterReport>(response, cancellationToken);
            total = LetterChoice.Join(total, report);
            cursor = report.Next;
        }
        while (cursor is not null);
        return total;
    }
}
