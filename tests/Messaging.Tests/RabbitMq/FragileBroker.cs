using FaasCluster.Testing;

namespace FaasCluster.Messaging.Tests.RabbitMq;

/// <summary>A broker that the tests of a class may break, one after the other: starting one for each takes seconds.</summary>
public sealed class FragileBroker : IAsyncDisposable
{
    private PrivateBroker? _broker;

    /// <summary>The broker, started if it is not running.</summary>
    public async Task<PrivateBroker> RunningAsync()
    {
        if (_broker is null)
        {
            _broker = await PrivateBroker.StartAsync();
        }
        else
        {
            await _broker.RestartAsync();
            await EndAlarmAsync();
        }

        return _broker;
    }

    /// <summary>Makes the broker's memory short.</summary>
    public Task BeginAlarmAsync() => SetMemoryLimitAsync("0.000001");

    /// <summary>Gives it enough again.</summary>
    public Task EndAlarmAsync() => SetMemoryLimitAsync("0.9");

    public ValueTask DisposeAsync() => _broker?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async Task SetMemoryLimitAsync(string part) =>
        Assert.Equal("{ok, ok}", await _broker!.EvaluateAsync($"vm_memory_monitor:set_vm_memory_high_watermark({part})."));
}
