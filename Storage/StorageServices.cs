using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.DeadLetters;
using FaasCluster.Storage.Dispatches;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Idempotency;
using FaasCluster.Storage.Invocations;
using FaasCluster.Storage.Logs;
using FaasCluster.Storage.Maintenance;
using FaasCluster.Storage.Migrations;
using FaasCluster.Storage.Outbox;
using FaasCluster.Storage.Packages;
using FaasCluster.Storage.Sql;
using FaasCluster.Storage.Telemetry;
using FaasCluster.Storage.Usage;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace FaasCluster.Storage;

/// <summary>Registers the store.</summary>
public static class StorageServices
{
    /// <summary>
    /// Adds every store interface and the writers: PostgreSQL if <c>ConnectionStrings:Postgres</c> is set,
    /// else SQLite in <c>Data:Directory</c>; other settings from section <c>Storage</c>. Call it before what uses the store is
    /// added: hosted services stop in reverse order, and the writers have to flush last. A second call does nothing. The schema
    /// is brought up to date by <see cref="IStoreMaintenance"/>, which the gateway calls; until then everything is answered
    /// with <see cref="StoreUnavailableException"/>, and the writers wait.
    /// </summary>
    /// <param name="services">The host's services.</param>
    /// <param name="configuration">The host's configuration.</param>
    public static IServiceCollection AddStorage(this IServiceCollection services, IConfiguration configuration)
    {
        if (services.Any(service => service.ServiceType == typeof(Database)))
        {
            return services;
        }

        services.AddOptions<StorageOptions>()
            .Bind(configuration.GetSection("Storage"))
            .Configure(options =>
            {
                options.ConnectionString = configuration.GetConnectionString("Postgres") ?? options.ConnectionString;
                options.DataDirectory = configuration["Data:Directory"] ?? options.DataDirectory;
            })
            .ValidateDataAnnotations()
            .Validate(
                options => options.ConnectionString is null || !string.IsNullOrWhiteSpace(options.ConnectionString),
                "ConnectionStrings:Postgres is empty; expected an Npgsql connection string, or no such setting for the embedded mode.")
            .Validate(
                options => options.ConnectionString is not null || !string.IsNullOrWhiteSpace(options.DataDirectory),
                "There is no store: set ConnectionStrings:Postgres to an Npgsql connection string (cluster) or Data:Directory to a directory (embedded).")
            .ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<StorageMetrics>();
        AddStores(services);
        AddWriters(services);
        return services;
    }

    private static void AddStores(IServiceCollection services)
    {
        services.AddSingleton<Database>(provider =>
        {
            var options = provider.GetRequiredService<IOptions<StorageOptions>>().Value;
            return options.ConnectionString is { } connectionString ? new PostgresDatabase(connectionString) : new SqliteDatabase(options.DataDirectory!);
        });
        services.AddSingleton<AttemptRecorder>();
        services.AddSingleton<MigrationRunner>();
        services.AddSingleton<IAccountStore, AccountStore>();
        services.AddSingleton<Restarter>();
        services.AddSingleton<IDeadLetterStore, DeadLetterStore>();
        services.AddSingleton<IEventStore, EventStore>();
        services.AddSingleton<IFunctionStore, FunctionStore>();
        services.AddSingleton<IIdempotencyStore, IdempotencyStore>();
        services.AddSingleton<IInvocationStore, InvocationStore>();
        services.AddSingleton<IDispatchStore, DispatchStore>();
        services.AddSingleton<ILogStore, LogStore>();
        services.AddSingleton<IPackageStore, PackageStore>();
        services.AddSingleton<IPayloadStore, PayloadStore>();
        services.AddSingleton<IUsageStore, UsageStore>();
        services.AddSingleton<ISlotLeaseStore, SlotLeaseStore>();
        services.AddSingleton<IOutboxStore>(provider => provider.GetRequiredService<Database>() switch
        {
            PostgresDatabase postgres => ActivatorUtilities.CreateInstance<PostgresOutboxStore>(provider, postgres),
            var sqlite => ActivatorUtilities.CreateInstance<SqliteOutboxStore>(provider, (SqliteDatabase)sqlite),
        });
        services.AddSingleton<IStoreMaintenance>(provider => provider.GetRequiredService<Database>() is PostgresDatabase postgres
            ? ActivatorUtilities.CreateInstance<StoreMaintenance>(provider, ActivatorUtilities.CreateInstance<PostgresPartitions>(provider, postgres))
            : ActivatorUtilities.CreateInstance<StoreMaintenance>(provider));
    }

    private static void AddWriters(IServiceCollection services)
    {
        services.AddSingleton<CompletionWriter>();
        services.AddSingleton<ICompletionWriter>(provider => provider.GetRequiredService<CompletionWriter>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<CompletionWriter>());
        services.AddSingleton<AcceptedWriter>();
        services.AddSingleton<IAcceptedWriter>(provider => provider.GetRequiredService<AcceptedWriter>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<AcceptedWriter>());
        services.AddSingleton<LogWriter>();
        services.AddSingleton<ILogWriter>(provider => provider.GetRequiredService<LogWriter>());
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<LogWriter>());
    }
}
