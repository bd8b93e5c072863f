namespace FaasCluster.Storage.Invocations;

/// <summary>Gets a batch through of which some rows may be bad: a batch that fails for its content is tried in halves.</summary>
internal static class Bisection
{
    /// <summary>
    /// Runs <paramref name="write"/> for the batch; if it fails, for its halves, down to the one row that fails alone and is
    /// handed to <paramref name="refuse"/>. What is no fault of the rows (store away, cancelled) is thrown on.
    /// </summary>
    public static async Task RunAsync<T>(
        IReadOnlyList<T> batch, Func<IReadOnlyList<T>, CancellationToken, Task> write, Action<T, Exception> refuse, CancellationToken cancellationToken)
    {
        if (batch.Count == 0)
        {
            return;
        }

        try
        {
            await write(batch, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not (StoreUnavailableException or OperationCanceledException or ObjectDisposedException))
        {
            if (batch.Count == 1)
            {
                refuse(batch[0], exception);
                return;
            }

            var half = batch.Count / 2;
            await RunAsync([.. batch.Take(half)], write, refuse, cancellationToken).ConfigureAwait(false);
            await RunAsync([.. batch.Skip(half)], write, refuse, cancellationToken).ConfigureAwait(false);
        }
    }
}
