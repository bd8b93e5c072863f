using FaasCluster.Testing;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>A test's own look at a virtual host of the broker, and an operator's hand in it.</summary>
internal sealed class BrokerProbe : IAsyncDisposable
{
    private readonly IConnection _connection;
    private readonly string _virtualHost;

    private BrokerProbe(IConnection connection, string virtualHost)
    {
        _connection = connection;
        _virtualHost = virtualHost;
    }

    public static async Task<BrokerProbe> ConnectAsync(string uri)
    {
        var factory = new ConnectionFactory { Uri = new Uri(uri), AutomaticRecoveryEnabled = false };
        return new(await factory.CreateConnectionAsync(), factory.VirtualHost);
    }

    public async Task UseAsync(Func<IChannel, Task> use)
    {
        await using var channel = await _connection.CreateChannelAsync(new CreateChannelOptions(true, true));
        await use(channel);
    }

    /// <summary>Ready messages and consumers; null if there is no such queue. Another connection's exclusive queue cannot be looked at.</summary>
    public async Task<(uint Ready, uint Consumers)?> QueueAsync(string name)
    {
        await using var channel = await _connection.CreateChannelAsync();
        try
        {
            var queue = await channel.QueueDeclarePassiveAsync(name);
            return (queue.MessageCount, queue.ConsumerCount);
        }
        catch (OperationInterruptedException exception) when (exception.ShutdownReason?.ReplyCode == Constants.NotFound)
        {
            return null;
        }
    }

    public Task WhenConsumedAsync(string queue) =>
        Eventually.TrueAsync(async () => await QueueAsync(queue) is { Consumers: > 0 }, $"{queue} has a consumer");

    public Task DeleteQueueAsync(string name) => UseAsync(channel => channel.QueueDeleteAsync(name));

    public Task DeleteExchangeAsync(string name) => UseAsync(channel => channel.ExchangeDeleteAsync(name));

    /// <summary>The process of a queue in the broker, which is another one for a queue that was declared anew; null if there is no such queue.</summary>
    public async Task<string?> ProcessOfAsync(string queue)
    {
        var process = await EvaluateAsync($$"""
            case rabbit_amqqueue:lookup({{Resource(queue)}}) of {ok, Q} -> io_lib:format("~p", [amqqueue:get_pid(Q)]); _ -> none end.
            """);
        return process == "{ok, none}" ? null : process;
    }

    /// <summary>Deletes a queue that another connection has to itself, which only the broker's own tools can.</summary>
    public Task DeleteExclusiveQueueAsync(string name) => EvaluatedAsync($$"""
        {ok, Q} = rabbit_amqqueue:lookup({{Resource(name)}}), {ok, _} = rabbit_amqqueue:delete(Q, false, false, <<"faas">>), done.
        """);

    /// <summary>
    /// Deletes a queue and makes it anew, without its bindings, before the channel that consumes it has heard of the deletion. That takes
    /// luck from outside; here the channel is held meanwhile.
    /// </summary>
    public Task ReplaceQueueAsync(string name) => EvaluatedAsync($$"""
        Name = {{Resource(name)}},
        {ok, Q} = rabbit_amqqueue:lookup(Name),
        [Channel] = lists:usort([element(1, C) || C <- rabbit_amqqueue:consumers(Q)]),
        true = erlang:suspend_process(Channel),
        {ok, _} = rabbit_amqqueue:delete(Q, false, false, <<"faas">>),
        {new, _} = rabbit_amqqueue:declare(Name, true, false, amqqueue:get_arguments(Q), none, <<"faas">>),
        true = erlang:resume_process(Channel),
        done.
        """);

    /// <summary>Closes a connection, by its name, as a cut cable would.</summary>
    public static Task DropConnectionAsync(string name) => EvaluatedAsync($$"""
        [P] = [P || P <- rabbit_networking:connections(),
          [{client_properties, Properties}] <- [try rabbit_networking:connection_info(P, [client_properties]) catch _:_ -> [] end],
          {<<"connection_name">>, longstr, <<"{{name}}">>} <- Properties],
        ok = rabbit_networking:close_connection(P, "dropped by a test"),
        done.
        """);

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private string Resource(string queue) => $"rabbit_misc:r(<<\"{_virtualHost}\">>, queue, <<\"{queue}\">>)";

    private static Task<string> EvaluateAsync(string expression) => BrokerScript.RunAsync("eval", TestServers.RabbitMqDirectory, expression);

    private static async Task EvaluatedAsync(string expression) => Assert.Equal("{ok, done}", await EvaluateAsync(expression));
}
