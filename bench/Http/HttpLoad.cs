using System.Diagnostics;
using System.Text;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Http;

/// <summary>A closed loop over HTTP: so many callers, each with a connection of its own and one request at a time.</summary>
internal static class HttpLoad
{
    /// <summary>Calls until the time is over, each caller at least once; every call that began is waited for.</summary>
    public static Task<LoadResult> ForAsync(Uri server, byte[] request, int status, int callers, TimeSpan time, CancellationToken cancellationToken, bool mayBeRefused = false) =>
        RunAsync(server, request, status, callers, (started, made) => made == 0 || Stopwatch.GetElapsedTime(started) < time, mayBeRefused, cancellationToken);

    /// <summary>Calls exactly so often.</summary>
    public static Task<LoadResult> CountAsync(Uri server, byte[] request, int status, int callers, int count, CancellationToken cancellationToken)
    {
        var begun = 0;
        return RunAsync(server, request, status, callers, (_, _) => Interlocked.Increment(ref begun) <= count, mayBeRefused: false, cancellationToken);
    }

    private static async Task<LoadResult> RunAsync(
        Uri server, byte[] request, int status, int callers, Func<long, int, bool> goOn, bool mayBeRefused, CancellationToken cancellationToken)
    {
        var connections = new List<HttpConnection>();
        try
        {
            for (var i = 0; i < callers; i++)
            {
                connections.Add(await HttpConnection.OpenAsync(server, cancellationToken));
            }

            var started = Stopwatch.GetTimestamp();
            var parts = await Task.WhenAll(connections.Select(connection =>
                Task.Run(() => CallAsync(connection, request, status, made => goOn(started, made), mayBeRefused, cancellationToken), cancellationToken)));
            var elapsed = Stopwatch.GetElapsedTime(started);
            var all = new Samples();
            foreach (var part in parts)
            {
                all.AddAll(part.Answered);
            }

            return new LoadResult(started, elapsed, all, parts.Sum(part => part.Refused));
        }
        finally
        {
            connections.ForEach(connection => connection.Dispose());
        }
    }

    private static async Task<(Samples Answered, int Refused)> CallAsync(
        HttpConnection connection, byte[] request, int status, Func<int, bool> goOn, bool mayBeRefused, CancellationToken cancellationToken)
    {
        var samples = new Samples();
        var refused = 0;
        while (goOn(samples.Count + refused))
        {
            var began = Stopwatch.GetTimestamp();
            var answer = await connection.SendAsync(request, cancellationToken);
            if (mayBeRefused && answer.Status is 429 or 503)
            {
                refused++;
                continue;
            }

            samples.AddSince(began);
            if (answer.Status != status)
            {
                throw new BenchFailedException(
                    $"expected {status}, got:\n{Encoding.UTF8.GetString(answer.Head.Span)}{Encoding.UTF8.GetString(answer.Body.Span)}");
            }
        }

        return (samples, refused);
    }
}
