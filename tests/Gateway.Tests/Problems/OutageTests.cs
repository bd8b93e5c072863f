using System.Net;
using FaasCluster.Contracts.Bus;
using FaasCluster.Gateway.Accounts;
using FaasCluster.Gateway.Functions;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Storage.Accounts;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Invocations;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace FaasCluster.Gateway.Tests.Problems;

public sealed class OutageTests(OutageTests.SwitchedGateway gateway) : IClassFixture<OutageTests.SwitchedGateway>
{
    public sealed class SwitchedGateway : EmbeddedGateway
    {
        internal StoreSwitch Store { get; } = new();

        protected override void Configure(WebApplicationBuilder builder)
        {
            Decorate<IFunctionStore>(builder.Services, inner => new FlakyFunctionStore(inner, Store));
            Decorate<IAccountStore>(builder.Services, inner => new FlakyAccountStore(inner, Store));
        }

        private static void Decorate<T>(IServiceCollection services, Func<T, T> wrap)
            where T : class
        {
            var descriptor = services.Single(service => service.ServiceType == typeof(T));
            services.Remove(descriptor);
            services.AddSingleton(provider => wrap((T)ActivatorUtilities.CreateInstance(provider, descriptor.ImplementationType!)));
        }
    }

    [Fact]
    public async Task Store_ThatIsAway_Is503WithoutItsAddress()
    {
        (await gateway.Client.GetAsync("/api/functions")).Dispose();
        gateway.Store.IsAway = true;
        try
        {
            using (var response = await gateway.Client.GetAsync("/api/functions"))
            {
                var problem = await response.ProblemAsync(HttpStatusCode.ServiceUnavailable, "store_unavailable");
                Assert.Equal("platform", problem.Fault);
                Assert.NotNull(response.Headers.RetryAfter);
                Assert.DoesNotContain("db.internal", await response.Content.ReadAsStringAsync());
            }

            using (var response = await gateway.Client.PostAsync("/api/functions", Api.Form(Api.Manifest(Api.NewName()))))
            {
                await response.ProblemAsync(HttpStatusCode.ServiceUnavailable, "store_unavailable");
            }

            // A key that was not seen yet cannot be told from a wrong one: neither 401 nor in.
            using (var response = await gateway.Connect("never-seen-0123456789abcdef").GetAsync("/api/functions"))
            {
                await response.ProblemAsync(HttpStatusCode.ServiceUnavailable, "store_unavailable");
            }
        }
        finally
        {
            gateway.Store.IsAway = false;
        }

        using var after = await gateway.Client.GetAsync("/api/functions");
        Assert.Equal(HttpStatusCode.OK, after.StatusCode);
    }

    [Fact]
    public async Task Caches_WhileTheStoreIsAway_GoOnWithWhatTheyKnow()
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name);
        var time = new FakeTimeProvider();
        var store = new StoreSwitch();
        var options = Options.Create(new GatewayOptions());
        var functions = new FunctionCache(new FlakyFunctionStore(gateway.Get<IFunctionStore>(), store), options, time);
        var keys = new KeyCache(new FlakyAccountStore(gateway.Get<IAccountStore>(), store), options, time);
        Assert.NotNull(await functions.FindAsync("default", name, CancellationToken.None));
        Assert.NotNull(await keys.FindAsync(GatewayFixture.Key, CancellationToken.None));

        store.IsAway = true;
        time.Advance(TimeSpan.FromMinutes(4));
        Assert.NotNull(await functions.FindAsync("default", name, CancellationToken.None));
        Assert.NotNull(await keys.FindAsync(GatewayFixture.Key, CancellationToken.None));

        // A key that was taken away must not work for as long as an outage may last.
        time.Advance(TimeSpan.FromMinutes(2));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => keys.FindAsync(GatewayFixture.Key, CancellationToken.None).AsTask());
        store.IsAway = false;
        Assert.NotNull(await keys.FindAsync(GatewayFixture.Key, CancellationToken.None));
    }

    [Fact]
    public async Task FunctionCache_AfterAChange_AsksTheStoreOnce()
    {
        var name = Api.NewName();
        var function = await gateway.Client.DeployAsync(name);
        var cache = new FunctionCache(
            gateway.Get<IFunctionStore>(), Options.Create(new GatewayOptions { FunctionCacheTime = TimeSpan.FromMinutes(10) }), TimeProvider.System);
        var before = gateway.Store.Lookups;
        Assert.Equal(1, (await cache.FindAsync("default", name, CancellationToken.None))!.Revision);
        Assert.Equal(1, (await cache.FindAsync("default", name, CancellationToken.None))!.Revision);
        Assert.Equal(1, gateway.Store.Lookups - before);

        // Another gateway deployed.
        await gateway.Client.DeployAsync(name);
        Assert.Equal(1, (await cache.FindAsync("default", name, CancellationToken.None))!.Revision);
        await cache.HandleAsync(new FunctionChanged { FunctionId = function.Id, AccountId = "default", Name = name, Revision = 2 }, CancellationToken.None);
        Assert.Equal(2, (await cache.FindAsync("default", name, CancellationToken.None))!.Revision);
        Assert.Null(await cache.FindAsync("stranger", name, CancellationToken.None));
    }
}
