using System.Collections.Concurrent;
using FaasCluster.Storage.Groups;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Storage.Invocations;

/// <inheritdoc cref="IAcceptedWriter"/>
internal sealed class AcceptedWriter : IAcceptedWriter, IHostedService, IAsyncDisposable
{
    private readonly IInvocationStore _store;
    private readonly GroupWriter<AcceptedInvocation, bool> _group;
    private readonly ConcurrentDictionary<Guid, AcceptedInvocation> _pending = new();

    public AcceptedWriter(IInvocationStore store, IOptions<StorageOptions> options, TimeProvider time, ILogger<AcceptedWriter> log)
    {
        _store = store;
        _group = new GroupWriter<AcceptedInvocation, bool>(
            new GroupWriterSettings<AcceptedInvocation>
            {
                What = "rows of accepted invocations",
                PendingLimit = options.Value.PendingLimit,
                BatchLimit = options.Value.BatchLimit,
            },
            CommitAsync,
            time,
            log);
    }

    public async ValueTask AddAsync(AcceptedInvocation accepted, CancellationToken cancellationToken)
    {
        // The row may wait long; its event is not part of it.
        accepted = accepted with { Message = accepted.Message with { Body = default } };
        _pending[accepted.Message.InvocationId] = accepted;
        try
        {
            await _group.AddAsync(accepted, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            _pending.TryRemove(accepted.Message.InvocationId, out _);
            throw;
        }
    }

    public AcceptedInvocation? FindPending(Guid invocationId) => _pending.GetValueOrDefault(invocationId);

    public Task FlushAsync(CancellationToken cancellationToken) => _group.FlushAsync(cancellationToken);

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => _group.StopAsync(cancellationToken);

    public ValueTask DisposeAsync() => _group.DisposeAsync();

    private async Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<AcceptedInvocation> batch, CancellationToken cancellationToken)
    {
        await _store.AcceptAsync(batch, cancellationToken).ConfigureAwait(false);
        foreach (var accepted in batch)
        {
            _pending.TryRemove(accepted.Message.InvocationId, out _);
        }

        return new bool[batch.Count];
    }
}
