using FaasCluster.Storage.Sql;
using FaasCluster.Storage.Telemetry;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Invocations;

/// <summary>Brings a batch of attempts into the order in which it can be committed, and commits it.</summary>
internal sealed class AttemptRecorder(Database database, StorageMetrics metrics, ILogger<AttemptRecorder> log)
{
    public async Task<IReadOnlyList<RecordOutcome>> RecordAsync(IReadOnlyList<AttemptRecord> batch, CancellationToken cancellationToken)
    {
        var outcomes = new RecordOutcome[batch.Count];
        Array.Fill(outcomes, RecordOutcome.Duplicate);

        // Sorted, because two nodes that lock the same rows in different orders deadlock.
        var pending = new List<int>(Enumerable.Range(0, batch.Count)
            .OrderBy(i => batch[i].Message.InvocationId)
            .ThenBy(i => batch[i].Message.Attempt));

        // One statement cannot touch a row twice: of one invocation only the first attempt goes now, later ones after it.
        // The same attempt a second time is a duplicate without asking the store.
        while (pending.Count > 0)
        {
            var now = new List<int>(pending.Count);
            var later = new List<int>();
            foreach (var index in pending)
            {
                if (now.Count == 0 || batch[now[^1]].Message.InvocationId != batch[index].Message.InvocationId)
                {
                    now.Add(index);
                }
                else if (batch[now[^1]].Message.Attempt != batch[index].Message.Attempt)
                {
                    later.Add(index);
                }
            }

            await Bisection.RunAsync(
                now,
                (part, token) => RecordPartAsync(batch, part, outcomes, token),
                (index, exception) => Refuse(batch[index], index, outcomes, exception),
                cancellationToken).ConfigureAwait(false);
            pending = later;
        }

        metrics.Recorded(batch.Where((_, i) => outcomes[i] == RecordOutcome.Recorded));
        metrics.Duplicates(outcomes.Count(outcome => outcome == RecordOutcome.Duplicate));
        return outcomes;
    }

    private async Task RecordPartAsync(IReadOnlyList<AttemptRecord> batch, IReadOnlyList<int> part, RecordOutcome[] outcomes, CancellationToken cancellationToken)
    {
        var rows = new AttemptRecord[part.Count];
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i] = batch[part[i]];
        }

        var recorded = await database.RecordAsync(rows, cancellationToken).ConfigureAwait(false);
        foreach (var index in part)
        {
            if (recorded.Contains(batch[index].Message.InvocationId))
            {
                outcomes[index] = RecordOutcome.Recorded;
            }
        }
    }

    private void Refuse(AttemptRecord record, int index, RecordOutcome[] outcomes, Exception exception)
    {
        outcomes[index] = RecordOutcome.Refused;
        metrics.Refused("attempt");
        log.AttemptRefused(record.Message.InvocationId, record.Message.Attempt, record.FunctionName, exception);
    }
}
