using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Logs;
using FaasCluster.Storage.Maintenance;
using FaasCluster.Storage.Outbox;
using FaasCluster.Storage.Packages;
using FaasCluster.Storage.Usage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Storage.Tests;

/// <summary>One node's view of the store, made the way a host makes it.</summary>
public sealed class StoreNode : IAsyncDisposable
{
    private readonly IHost _host;

    private StoreNode(IHost host)
    {
        _host = host;
    }

    public IAccountStore Accounts => Get<IAccountStore>();

    public IFunctionStore Functions => Get<IFunctionStore>();

    public IInvocationStore Invocations => Get<IInvocationStore>();

    public IDeadLetterStore DeadLetters => Get<IDeadLetterStore>();

    public IEventStore Events => Get<IEventStore>();

    public ICompletionWriter Completions => Get<ICompletionWriter>();

    public IAcceptedWriter Accepted => Get<IAcceptedWriter>();

    public IDispatchStore Dispatches => Get<IDispatchStore>();

    public ILogStore Logs => Get<ILogStore>();

    public ILogWriter LogLines => Get<ILogWriter>();

    public IOutboxStore Outbox => Get<IOutboxStore>();

    public IPackageStore Packages => Get<IPackageStore>();

    public IPayloadStore Payloads => Get<IPayloadStore>();

    public IUsageStore Usage => Get<IUsageStore>();

    public IStoreMaintenance Maintenance => Get<IStoreMaintenance>();

    /// <summary>A node that is not migrated yet.</summary>
    public static async Task<StoreNode> StartBareAsync(StoreBackend backend, TimeProvider? time = null, params (string Key, string Value)[] settings)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(backend.Configuration);
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.Logging.ClearProviders();
        if (time is not null)
        {
            builder.Services.AddSingleton(time);
        }

        builder.Services.AddStorage(builder.Configuration);
        var host = builder.Build();
        await host.StartAsync();
        return new StoreNode(host);
    }

    /// <summary>A node with its schema and partitions, and the default account.</summary>
    public static async Task<StoreNode> StartAsync(StoreBackend backend, TimeProvider? time = null, params (string Key, string Value)[] settings)
    {
        var node = await StartBareAsync(backend, time, settings);
        await node.Maintenance.MigrateAsync(default);
        await node.Maintenance.EnsurePartitionsAsync(default);
        await node.Accounts.EnsureDefaultAsync(default);
        return node;
    }

    public T Get<T>()
        where T : notnull => _host.Services.GetRequiredService<T>();

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable disposable)
        {
            await disposable.DisposeAsync();
        }
    }
}
