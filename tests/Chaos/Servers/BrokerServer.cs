using System.Globalization;
using System.Text.RegularExpressions;

namespace FaasCluster.Chaos.Servers;

/// <summary>A RabbitMQ node of the run's own, with what an operator (or a crash) can do to it.</summary>
internal sealed partial class BrokerServer(string directory, int port, BrokerServer? first = null)
{
    private readonly string directory = directory;

    public string Uri { get; private set; } = "";

    public int Port => port;

    public async Task StartAsync() => Uri = (await ServerScript.RunAsync("rabbitmq", ["start", directory, $"{port}", .. first is null ? [] : new[] { first.directory }])).Split('\n')[^1];

    public string UriThrough(Wire wire) => new UriBuilder(Uri) { Port = wire.Port }.Uri.ToString();

    public Task StopAsync() => ServerScript.RunAsync("rabbitmq", "stop", directory);

    public async Task<int> ProcessAsync() => int.Parse(await ServerScript.RunAsync("rabbitmq", "pid", directory), CultureInfo.InvariantCulture);

    public Task<string> EvaluateAsync(string expression) => ServerScript.RunAsync("rabbitmq", "eval", directory, expression);

    /// <summary>Messages in each queue, ready and unacknowledged.</summary>
    public async Task<IReadOnlyDictionary<string, long>> QueuesAsync()
    {
        var text = await EvaluateAsync(
            """
            lists:flatten([begin {resource, _, _, N} = proplists:get_value(name, I), io_lib:format("~s=~p;", [N, proplists:get_value(messages, I)]) end || I <- rabbit_amqqueue:info_all(<<"/">>, [name, messages])]).
            """);
        return Pair().Matches(text).ToDictionary(
            match => match.Groups[1].Value,
            match => long.TryParse(match.Groups[2].Value, CultureInfo.InvariantCulture, out var count) ? count : 0);
    }

    /// <summary>Deletes a queue as an operator would; false if there is none.</summary>
    public async Task<bool> DeleteQueueAsync(string name) =>
        (await EvaluateAsync(
            $$"""
            case rabbit_amqqueue:lookup(rabbit_misc:r(<<"/">>, queue, <<"{{name}}">>)) of {ok, Q} -> element(1, rabbit_amqqueue:delete(Q, false, false, <<"operator">>)); _ -> none end.
            """)).Contains("{ok, ok}", StringComparison.Ordinal);

    /// <summary>Closes every client's connection; how many there were.</summary>
    public async Task<int> CloseConnectionsAsync()
    {
        var answer = await EvaluateAsync(
            """
            begin All = rabbit_networking:connections(), [rabbit_networking:close_connection(P, "chaos") || P <- All], length(All) end.
            """);
        return int.Parse(Closed().Match(answer).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// RabbitMQ 3.10 notes a new quorum queue in its directory up to half a second after it confirmed the declaration (dets,
    /// auto_save): a crash within that time loses the queue whatever its clients do, so it is not what a run is about.
    /// </summary>
    public Task SyncDirectoryAsync() => EvaluateAsync("[dets:sync(Table) || Table <- dets:all()].");

    public async Task<bool> HasAlarmAsync() => await EvaluateAsync("rabbit_alarm:get_alarms().") != "{ok, []}";

    [GeneratedRegex("([A-Za-z0-9._@-]+)=([^;]*);")]
    private static partial Regex Pair();

    [GeneratedRegex(@"\{ok, (\d+)\}")]
    private static partial Regex Closed();
}
