using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Gateway.Tests.Hosting;
using RabbitMQ.Client;

namespace FaasCluster.Gateway.Tests.Dispatches;

public sealed class EmbeddedQueueDestinationTests(EmbeddedQueueGateway gateway) : QueueDestinationTests(gateway, gateway), IClassFixture<EmbeddedQueueGateway>;

public sealed class ClusterQueueDestinationTests(ClusterQueueGateway gateway) : QueueDestinationTests(gateway, gateway), IClassFixture<ClusterQueueGateway>;

public abstract class QueueDestinationTests : IAsyncLifetime
{
    private readonly GatewayFixture gateway;
    private readonly UsersBroker broker;
    private readonly string queue = $"q-{Guid.NewGuid():N}";
    private IConnection? connection;
    private IChannel? channel;

    protected QueueDestinationTests(GatewayFixture gateway, IQueueGateway queues)
    {
        gateway.RequireServers();
        this.gateway = gateway;
        broker = queues.Broker;
    }

    private IChannel Channel => channel!;

    public async ValueTask InitializeAsync()
    {
        connection = await broker.ConnectAsync();
        channel = await connection.CreateChannelAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (connection is not null)
        {
            await connection.DisposeAsync();
        }

        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Success_ToAQueue_IsPublishedWithTheRecord()
    {
        await DeclareAsync();
        var name = await DeployAsync($"onSuccess: {{ queue: {queue} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult { Body = "{\"answer\":42}"u8.ToArray() });

        var id = await gateway.SubmitAsync(name, "{\"question\":1}");

        var dispatch = await gateway.SettledAsync(id);
        Assert.Equal(("queue", $"{queue} (default)", "delivered", null), (dispatch.Kind, dispatch.Target, dispatch.State, dispatch.LastError));
        var message = await TakeAsync();
        var record = JsonNode.Parse(message.Body.Span)!;
        Assert.Equal(("Success", id.ToString()), ((string?)record["requestContext"]!["condition"], (string?)record["requestContext"]!["requestId"]));
        Assert.Equal((1, 42), ((int?)record["requestPayload"]!["question"], (int?)record["responsePayload"]!["answer"]));
        var properties = message.BasicProperties;
        Assert.Equal((id.ToString(), "application/json", true), (properties.CorrelationId, properties.ContentType, properties.Persistent));
        Assert.Equal((id.ToString(), name, "succeeded"), (Text(properties, "Faas-Invocation-Id"), Text(properties, "Faas-Function"), Text(properties, "Faas-Status")));
        Assert.Null(await Channel.BasicGetAsync(queue, autoAck: true));
    }

    [Fact]
    public async Task Failure_ToAnExchange_IsPublishedWithItsRoutingKey()
    {
        await DeclareAsync();
        await Channel.ExchangeDeclareAsync($"x-{queue}", ExchangeType.Topic);
        await Channel.QueueBindAsync(queue, $"x-{queue}", "orders.*");
        var name = await DeployAsync($"onFailure: {{ exchange: x-{queue}, routingKey: orders.failed, connection: ours }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => Task.FromResult(Outcome.Failed(null)));

        await gateway.SettledAsync(await gateway.SubmitAsync(name));

        var message = await TakeAsync();
        Assert.Equal("orders.failed", message.RoutingKey);
        Assert.Equal("function_error", Text(message.BasicProperties, "Faas-Error"));
    }

    [Fact]
    public async Task Fault14_QueueThatIsNotThere_IsDeliveredOnceItIs()
    {
        var name = await DeployAsync($"onSuccess: {{ queue: {queue} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var id = await gateway.SubmitAsync(name);
        Assert.Equal($"The broker has no queue '{queue}'; declare it.", (await gateway.PutOffAsync(id)).LastError);

        await DeclareAsync();

        Assert.Equal("delivered", (await gateway.SettledAsync(id)).State);
        await TakeAsync();
    }

    [Fact]
    public async Task Fault14_ExchangeThatIsNotThere_IsToldAndHoldsUpNobody()
    {
        await DeclareAsync();
        var lost = await DeployAsync($"onSuccess: {{ exchange: x-{queue}, routingKey: a }}\n");
        var good = await DeployAsync($"onSuccess: {{ queue: {queue} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());

        var ids = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => gateway.SubmitAsync(i % 2 == 0 ? lost : good)));

        foreach (var id in ids.Where((_, i) => i % 2 == 1))
        {
            var dispatch = await gateway.SettledAsync(id);
            Assert.Equal(("delivered", 1), (dispatch.State, dispatch.Attempts));
        }

        Assert.Contains($"no exchange 'x-{queue}'", (await gateway.PutOffAsync(ids[0])).LastError);
        await gateway.AgeAsync(ids);
    }

    [Fact]
    public async Task Queue_AtItsLimit_IsNotTakenForDelivered()
    {
        await DeclareAsync(new() { ["x-max-length"] = 1, ["x-overflow"] = "reject-publish" });
        await Channel.BasicPublishAsync("", queue, "full"u8.ToArray());
        var name = await DeployAsync($"onSuccess: {{ queue: {queue} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var id = await gateway.SubmitAsync(name);
        Assert.Contains("limit", (await gateway.PutOffAsync(id)).LastError);

        await TakeAsync();

        Assert.Equal("delivered", (await gateway.SettledAsync(id)).State);
        await TakeAsync();
    }

    [Fact]
    public async Task Fault06_UsersBrokerGoesAndComesBack_DeliversThen()
    {
        await DeclareAsync();
        var name = await DeployAsync($"onSuccess: {{ queue: {queue} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        broker.Door!.Shut();
        DispatchDescription waiting;
        Guid id;
        try
        {
            id = await gateway.SubmitAsync(name);
            waiting = await gateway.PutOffAsync(id);
        }
        finally
        {
            broker.Door.Open();
        }

        Assert.Equal("waiting", waiting.State);
        Assert.DoesNotContain("secret", waiting.LastError);
        Assert.Equal("delivered", (await gateway.SettledAsync(id)).State);
        await TakeAsync();
    }

    [Fact]
    public async Task UsersBrokerThatIsDown_HoldsUpNeitherCallsNorOtherDeliveries()
    {
        await DeclareAsync();
        var stuck = await DeployAsync("onSuccess: { queue: anything, connection: closed }\n");
        var good = await DeployAsync($"onSuccess: {{ queue: {queue} }}\n");
        await using var worker = await TestWorker.StartAsync(gateway, _ => new InvocationResult());
        var stuckIds = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => gateway.SubmitAsync(stuck)));

        var delivered = await gateway.SettledAsync(await gateway.SubmitAsync(good));

        Assert.Equal("delivered", delivered.State);
        var failed = await gateway.PutOffAsync(stuckIds[0]);
        Assert.Contains("127.0.0.1:1", failed.LastError);
        Assert.Contains("Destinations:Connections:closed:Uri", failed.LastError);
        Assert.DoesNotContain("secret", failed.LastError);
        await gateway.AgeAsync(stuckIds);
        Assert.Equal("dead", (await gateway.SettledAsync(stuckIds[0])).State);
    }

    [Theory]
    [InlineData("onFailure: { queue: a, connection: other }\n", "closed, default, ours")]
    [InlineData("onSuccess: { exchange: a, connection: other }\n", "closed, default, ours")]
    public async Task Deploy_WithAConnectionThatIsNotThere_NamesThoseThatAre(string rest, string known)
    {
        using var answer = await gateway.Client.PostAsync("/api/functions", Api.Form(Api.Manifest(Api.NewName(), rest)));
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        var error = Assert.Single(problem.Errors!);
        Assert.EndsWith(".connection", error.Field);
        Assert.Contains(known, error.Message);
    }

    [Fact]
    public async Task Deploy_WithAConnectionOfAnotherAccount_IsToldNothingOfIt()
    {
        using var answer = await gateway.Stranger.PostAsync("/api/functions", Api.Form(Api.Manifest(Api.NewName(), "onSuccess: { queue: a, connection: ours }\n")));
        var problem = await answer.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Contains("expected closed, default,", Assert.Single(problem.Errors!).Message);
    }

    private static string? Text(IReadOnlyBasicProperties properties, string header) =>
        properties.Headers?.TryGetValue(header, out var value) == true && value is byte[] bytes ? Encoding.UTF8.GetString(bytes) : null;

    private async Task<string> DeployAsync(string rest)
    {
        var name = Api.NewName();
        await gateway.Client.DeployAsync(name, rest);
        return name;
    }

    private Task DeclareAsync(Dictionary<string, object?>? arguments = null) =>
        Channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments);

    private Task<BasicGetResult> TakeAsync() => Until.NotNullAsync(() => Channel.BasicGetAsync(queue, autoAck: true), "the queue has a message");
}
