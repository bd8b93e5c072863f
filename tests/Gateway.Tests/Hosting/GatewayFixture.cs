using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using FaasCluster.Storage.Accounts;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FaasCluster.Gateway.Tests.Hosting;

/// <summary>A real gateway behind a real port, with the account default and a second one that is a stranger to it.</summary>
public abstract class GatewayFixture : IAsyncLifetime
{
    public const string Key = "test-key-0123456789abcdef";
    public const string StrangerKey = "stranger-key-0123456789abcdef";
    public const string StrangerAccount = "stranger";
    private WebApplication? app;

    public IServiceProvider Services => app!.Services;

    public Uri Address { get; private set; } = null!;

    /// <summary>Sends the key of the default account.</summary>
    public HttpClient Client { get; private set; } = null!;

    /// <summary>Sends the key of the other account.</summary>
    public HttpClient Stranger { get; private set; } = null!;

    /// <summary>Sends no key.</summary>
    public HttpClient Anonymous { get; private set; } = null!;

    public LogCollector Log { get; } = new();

    public async ValueTask InitializeAsync()
    {
        if (await PrepareAsync() is { } settings)
        {
            await StartAsync(settings);
        }
    }

    /// <summary>Skips the test if there are no servers: a fixture cannot.</summary>
    public virtual void RequireServers()
    {
    }

    private async Task StartAsync(Dictionary<string, string?> settings)
    {
        settings["urls"] = "http://127.0.0.1:0";
        settings["Gateway:BootstrapKey"] = Key;
        settings["Gateway:SweepInterval"] = "00:00:00.5";
        settings["Gateway:RemovalMargin"] = "00:00:02";
        settings["Gateway:ReconcileInterval"] = "00:00:02";
        settings["Gateway:ConservationInterval"] = "00:00:01";
        settings["Gateway:ConservationAge"] = "00:00:01";

        // Machines that run tests are slow; nothing here waits for a confirm that will not come.
        settings["Messaging:ConfirmTimeout"] = "00:00:30";
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.ClearProviders().AddProvider(Log);
        builder.AddGateway();
        Configure(builder);
        app = builder.Build();
        app.MapGateway();
        await app.StartAsync();
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        Client = Connect(Key);
        Stranger = Connect(StrangerKey);
        Anonymous = Connect(null);
        await ExecuteAsync($"INSERT INTO accounts SELECT '{StrangerAccount}', created_at FROM accounts WHERE account_id = 'default'");
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(StrangerKey)));
        await app.Services.GetRequiredService<IAccountStore>().AddKeyAsync(StrangerAccount, "test", hash, CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        Stranger?.Dispose();
        Anonymous?.Dispose();
        if (app is not null)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        await CleanUpAsync();
        GC.SuppressFinalize(this);
    }

    public T Get<T>()
        where T : notnull => Services.GetRequiredService<T>();

    /// <summary>What a worker of this installation uses to receive: a connection of its own where there is one.</summary>
    internal virtual Task<WorkerNode> ConnectWorkerAsync() => Task.FromResult(new WorkerNode(Services, null));

    public HttpClient Connect(string? key)
    {
        // A redirect is an answer to look at.
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = Address, Timeout = TimeSpan.FromMinutes(3) };
        if (key is not null)
        {
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        return client;
    }

    /// <summary>Makes what the gateway stores in, and says where it is; null if there are no servers.</summary>
    protected abstract Task<Dictionary<string, string?>?> PrepareAsync();

    /// <summary>Executes a statement in the store, past the gateway: what both dialects of SQL know.</summary>
    internal abstract Task ExecuteAsync(string sql);

    protected abstract Task CleanUpAsync();

    protected virtual void Configure(WebApplicationBuilder builder)
    {
    }
}
