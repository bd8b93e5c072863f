using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using FaasCluster.Contracts;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Storage.Packages;
using FaasCluster.Worker.Sandboxes;
using FaasCluster.Worker.Sandboxes.Isolation;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Worker.Tests.Sandboxes;

/// <summary>Real sandboxes of one worker without the rest of it. FAAS_TEST_CGROUP names the cgroup to use, where it is not the process's own; FAAS_TEST_ISOLATION the isolation.</summary>
public class SandboxFixture : IAsyncLifetime
{
    public SandboxFixture()
        : this(MakeRoot())
    {
    }

    protected SandboxFixture(string root) => Root = root;

    private readonly MemoryPackages packages = new();
    private ServiceProvider services = null!;

    public string Root { get; }

    internal ISandboxFactory Factory { get; private set; } = null!;

    internal SandboxHost Host { get; private set; } = null!;

    internal SandboxStatus Status => services.GetRequiredService<SandboxStatus>();

    internal bool EnforcesMemory => Status.MemoryEnforcement != Worker.Sandboxes.Cgroups.MemoryEnforcement.PerProcess;

    protected virtual Dictionary<string, string?> Settings => [];

    /// <summary>The isolation under test: one run of these tests has one.</summary>
    internal static IsolationKind Isolation { get; } = Enum.Parse<IsolationKind>(Environment.GetEnvironmentVariable("FAAS_TEST_ISOLATION") ?? "Bubblewrap");

    /// <summary>What is switched off, for tests that show what it is good for.</summary>
    internal virtual Defences Defences => Defences.All;

    protected virtual bool OwnsRoot => true;

    /// <summary>Ends what a fixture has beside the worker.</summary>
    protected virtual ValueTask DisposeAsyncCore() => default;

    /// <summary>Adds what replaces parts of the worker.</summary>
    protected virtual void Configure(IServiceCollection services)
    {
    }

    internal T Get<T>()
        where T : notnull => services.GetRequiredService<T>();

    public static string MakeRoot()
    {
        var root = Directory.CreateTempSubdirectory("faas-sandbox-").FullName;
        File.SetUnixFileMode(root, File.GetUnixFileMode(root) | UnixFileMode.OtherExecute);
        return root;
    }

    public virtual async ValueTask InitializeAsync()
    {
        var settings = new Dictionary<string, string?>(Settings)
        {
            ["Sandbox:Directory"] = Path.Combine(Root, "state"),
            ["Sandbox:Cgroup"] = Environment.GetEnvironmentVariable("FAAS_TEST_CGROUP"),
            ["Sandbox:Isolation"] = $"{Isolation}",
        };

        settings.TryAdd("Sandbox:BootTimeout", "00:02:00");

        // A boot is most of what a short test costs, and few take two sandboxes of a runtime at once.
        settings.TryAdd("Sandbox:PoolMinimum", "1");
        var collection = new ServiceCollection();
        collection.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Error).AddConsole());
        collection.AddSingleton<IPackageStore>(packages);
        collection.AddSingleton(Defences);
        Configure(collection);
        collection.AddSandboxes(new ConfigurationBuilder().AddInMemoryCollection(settings).Build());
        services = collection.BuildServiceProvider();
        Factory = services.GetRequiredService<ISandboxFactory>();
        Host = services.GetRequiredService<SandboxHost>();
        Assert.Null(await Factory.WhenReadyAsync(CancellationToken.None));
    }

    public async ValueTask DisposeAsync()
    {
        await services.DisposeAsync();
        await DisposeAsyncCore();
        if (OwnsRoot)
        {
            Directory.Delete(Root, recursive: true);
        }

        GC.SuppressFinalize(this);
    }

    internal FunctionRevision Python(string code, Func<FunctionManifest, FunctionManifest>? with = null) =>
        Deploy(RuntimeIds.Python3, "app.handler", PackageBuilder.FromFile("app.py", Encoding.UTF8.GetBytes(code)), with);

    internal FunctionRevision Node(string code, Func<FunctionManifest, FunctionManifest>? with = null, string file = "app.js") =>
        Deploy(RuntimeIds.NodeJs, "app.handler", PackageBuilder.FromFile(file, Encoding.UTF8.GetBytes(code)), with);

    internal FunctionRevision Shell(string code, Func<FunctionManifest, FunctionManifest>? with = null) =>
        Deploy(RuntimeIds.Executable, "main.sh", PackageBuilder.FromFile("main.sh", Encoding.UTF8.GetBytes(code), executable: true), with);

    internal FunctionRevision Wasm(byte[] module, Func<FunctionManifest, FunctionManifest>? with = null) =>
        Deploy(RuntimeIds.Wasm, "main.wasm", PackageBuilder.FromFile("main.wasm", module), with);

    internal FunctionRevision Deploy(string runtime, string handler, byte[] package, Func<FunctionManifest, FunctionManifest>? with = null)
    {
        // On a busy machine a share of a core is little. A test of a timeout sets its own.
        var manifest = new FunctionManifest { Name = "test", Runtime = runtime, Handler = handler, Timeout = TimeSpan.FromMinutes(2), InitTimeout = TimeSpan.FromMinutes(1) };
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(package));
        packages.Put(sha256, package);
        return new FunctionRevision
        {
            FunctionId = Uuid7.New(TimeProvider.System),
            AccountId = "default",
            Revision = 1,
            Manifest = with is null ? manifest : with(manifest),
            PackageSha256 = sha256,
            PackageBytes = package.Length,
            CreatedAt = DateTimeOffset.UtcNow,
        };
    }

    internal void Damage(FunctionRevision revision, byte[] bytes) => packages.Put(revision.PackageSha256, bytes);

    internal async Task<ISandbox> StartAsync(FunctionRevision revision, TestLog? log = null)
    {
        var start = await Factory.StartAsync(revision, log ?? new TestLog(), CancellationToken.None);
        Assert.True(start.Error is null, start.Error?.ToString());
        return start.Sandbox!;
    }

    internal async Task<InvocationError> FailToStartAsync(FunctionRevision revision, TestLog? log = null)
    {
        var start = await Factory.StartAsync(revision, log ?? new TestLog(), CancellationToken.None);
        Assert.Null(start.Sandbox);
        return start.Error!;
    }

    /// <summary>The error of one cold invocation, wherever it came up.</summary>
    internal async Task<InvocationError> FailOrRunAsync(FunctionRevision revision)
    {
        var start = await Factory.StartAsync(revision, new TestLog(), CancellationToken.None);
        if (start.Sandbox is not { } sandbox)
        {
            return start.Error!;
        }

        await using (sandbox)
        {
            return (await sandbox.InvokeAsync(Message(revision), new TestLog(), CancellationToken.None)).Error!;
        }
    }

    /// <summary>One cold invocation.</summary>
    internal async Task<ExecutionOutcome> RunAsync(FunctionRevision revision, string body = "{}", TestLog? log = null, HttpEvent? http = null)
    {
        await using var sandbox = await StartAsync(revision, log);
        return await sandbox.InvokeAsync(Message(revision, body, http), log ?? new TestLog(), CancellationToken.None);
    }

    internal static InvocationMessage Message(FunctionRevision revision, string body = "{}", HttpEvent? http = null, string? contentType = "application/json") =>
        Message(revision, Encoding.UTF8.GetBytes(body), http, contentType);

    internal static InvocationMessage Message(FunctionRevision revision, byte[] body, HttpEvent? http = null, string? contentType = "application/json") => new()
    {
        InvocationId = Uuid7.New(TimeProvider.System),
        FunctionId = revision.FunctionId,
        Revision = revision.Revision,
        AccountId = revision.AccountId,
        Kind = InvocationKind.Synchronous,
        Trigger = http is null ? TriggerKind.Api : TriggerKind.Http,
        AcceptedAt = DateTimeOffset.UtcNow,
        DueAt = DateTimeOffset.UtcNow,
        Deadline = DateTimeOffset.UtcNow.AddMinutes(1),
        ContentType = contentType,
        Http = http,
        Body = body,
    };

    internal static HttpEvent Get(string path = "/", string query = "", params (string Name, string Value)[] headers) => Request("GET", path, query, headers);

    internal static HttpEvent Request(string method, string path, string query = "", params (string Name, string Value)[] headers) => new()
    {
        Method = method,
        Path = path,
        Query = query,
        Headers = [.. headers.Select(header => KeyValuePair.Create(header.Name, header.Value))],
        Host = "faas.test:8080",
        SourceIp = "192.0.2.1",
        PathBase = "/fn/test",
    };

    internal static string Text(ExecutionOutcome outcome)
    {
        Assert.True(outcome.Error is null, outcome.Error?.ToString());
        return Encoding.UTF8.GetString(outcome.Result!.Body.Span);
    }

    internal static InvocationError Error(ExecutionOutcome outcome, ErrorCode code)
    {
        Assert.True(outcome.Error?.Code == code, $"expected {code}, got {outcome.Error?.ToString() ?? Text(outcome)}");
        return outcome.Error!;
    }

    private sealed class MemoryPackages : IPackageStore
    {
        private readonly ConcurrentDictionary<string, byte[]> packages = new();

        public void Put(string sha256, byte[] bytes) => packages[sha256] = bytes;

        public Task PutAsync(string sha256, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
        {
            Put(sha256, bytes.ToArray());
            return Task.CompletedTask;
        }

        public Task<byte[]?> FindAsync(string sha256, CancellationToken cancellationToken) => Task.FromResult(packages.GetValueOrDefault(sha256));
    }
}
