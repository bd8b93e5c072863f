using System.Collections.Concurrent;
using System.Security.Cryptography;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Messaging;
using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.Concurrency;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Maintenance;
using FaasCluster.Storage.Packages;
using FaasCluster.Testing;
using FaasCluster.Worker.Sandboxes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Worker.Tests.Lanes;

/// <summary>A whole embedded worker; only its sandboxes start and answer when the test says so.</summary>
public sealed class LaneFixture(params (string Key, string Value)[] settings) : IAsyncLifetime
{
    private readonly TemporaryDirectory directory = new();
    private WebApplication app = null!;

    internal SteeredSandboxes Sandboxes { get; } = new();

    /// <summary>The worker's clock.</summary>
    internal SetForwardClock Time { get; } = new();

    /// <summary>What the worker says of itself.</summary>
    internal HeartbeatEar Heartbeats { get; } = new();

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["Data:Directory"] = directory.Path, ["urls"] = "http://127.0.0.1:0" });
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddSingleton<TimeProvider>(Time);
        builder.AddWorker();
        builder.Services.AddSingleton<ISandboxFactory>(Sandboxes);
        builder.Services.AddSingleton<IControlBusHandler<WorkerHeartbeat>>(Heartbeats);
        var leases = builder.Services.Last(service => service.ServiceType == typeof(ISlotLeaseStore)).ImplementationType!;
        builder.Services.AddSingleton<ISlotLeaseStore>(provider => new CuttableLeaseStore((ISlotLeaseStore)ActivatorUtilities.CreateInstance(provider, leases)));
        app = builder.Build();
        await app.Services.GetRequiredService<IStoreMaintenance>().MigrateAsync(CancellationToken.None);
        await app.StartAsync();
        await app.Services.GetRequiredService<IAccountStore>().EnsureDefaultAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        Sandboxes.Dispose();
        await app.StopAsync();
        await app.DisposeAsync();
        directory.Dispose();
    }

    /// <summary>Drains the worker.</summary>
    internal Task StopAsync() => app.StopAsync();

    internal string Id => Get<IOptions<MessagingOptions>>().Value.NodeId;

    internal T Get<T>()
        where T : notnull => app.Services.GetRequiredService<T>();

    /// <summary>Can be cut off, as by a partition.</summary>
    internal CuttableLeaseStore Leases => (CuttableLeaseStore)Get<ISlotLeaseStore>();

    internal async Task<FunctionRevision> DeployAsync(int? concurrency = null, string? name = null, RetryPolicy? retries = null, int minInstances = 0)
    {
        var package = PackageBuilder.FromFile("app.py", "def handler(event, context): pass"u8);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(package));
        await Get<IPackageStore>().PutAsync(sha256, package, CancellationToken.None);
        var manifest = new FunctionManifest
        {
            Name = name ?? $"f{Guid.NewGuid():N}",
            Runtime = RuntimeIds.Python3,
            Handler = "app.handler",
            Concurrency = concurrency,
            MinInstances = minInstances,
            Retries = retries ?? new(),
        };
        var revision = await Get<IFunctionStore>().AddRevisionAsync("default", manifest, sha256, package.Length, CancellationToken.None);
        await Get<IInvocationSender>().DeclareFunctionAsync(revision.FunctionId, CancellationToken.None);
        return revision;
    }

    internal InvocationMessage Message(FunctionRevision revision, InvocationKind kind = InvocationKind.Synchronous) =>
        Worker.Tests.Sandboxes.SandboxFixture.Message(revision) with { Kind = kind };

    internal Task<CallOutcome> CallAsync(InvocationMessage message) =>
        Get<IInvocationSender>().CallAsync(message, TimeSpan.FromSeconds(30), CancellationToken.None);
}

/// <summary>Sandboxes whose starts and runs end when the test says so.</summary>
internal sealed class SteeredSandboxes : ISandboxFactory, IDisposable
{
    private readonly CancellationTokenSource ended = new();
    private int alive;

    /// <summary>Starts that were asked for, in order.</summary>
    public ConcurrentQueue<TaskCompletionSource<ErrorCode?>> Starts { get; } = new();

    /// <summary>Runs that wait to be ended, by invocation.</summary>
    public ConcurrentDictionary<Guid, TaskCompletionSource> Runs { get; } = new();

    /// <summary>Sandboxes that were started and not ended.</summary>
    public int Alive => Volatile.Read(ref alive);

    public IReadOnlyList<string> Runtimes => [RuntimeIds.Python3];

    public string? EgressProblem { get; set; }

    public Task<string?> WhenReadyAsync(CancellationToken cancellationToken) => Task.FromResult<string?>(null);

    public async Task<SandboxStart> StartAsync(FunctionRevision revision, IExecutionLog log, CancellationToken cancellationToken)
    {
        var start = new TaskCompletionSource<ErrorCode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        Starts.Enqueue(start);
        log.Write("stdout", "loading"u8);
        var error = await start.Task.WaitAsync(ended.Token).WaitAsync(cancellationToken);
        Interlocked.Add(ref alive, error is null ? 1 : 0);
        return new SandboxStart
        {
            Sandbox = error is null ? new Sandbox(this, revision) : null,
            Error = error is { } code ? new InvocationError { Code = code, Message = "as the test said" } : null,
            Start = TimeSpan.FromMilliseconds(1),
            Init = TimeSpan.FromMilliseconds(100),
        };
    }

    public void Dispose()
    {
        ended.Cancel();
        ended.Dispose();
    }

    private sealed class Sandbox(SteeredSandboxes owner, FunctionRevision revision) : ISandbox
    {
        public FunctionRevision Revision => revision;

        public bool IsUsable { get; private set; } = true;

        public async Task<ExecutionOutcome> InvokeAsync(InvocationMessage message, IExecutionLog log, IResponseStream response, CancellationToken cancellationToken)
        {
            log.Write("stdout", "running"u8);
            var run = owner.Runs.GetOrAdd(message.InvocationId, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
            try
            {
                await run.Task.WaitAsync(owner.ended.Token).WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                IsUsable = false;
                return new ExecutionOutcome { Error = new InvocationError { Code = ErrorCode.Cancelled, Message = "killed" }, Run = TimeSpan.Zero };
            }

            return new ExecutionOutcome { Result = new InvocationResult(), Run = TimeSpan.FromMilliseconds(1) };
        }

        public ValueTask DisposeAsync()
        {
            Interlocked.Decrement(ref owner.alive);
            return ValueTask.CompletedTask;
        }
    }
}
