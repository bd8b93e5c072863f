namespace FaasCluster.Testing;

/// <summary>
/// A virtual host of its own on the broker that ./test started, so that test classes do not see each other's queues.
/// Use as a class fixture.
/// </summary>
public sealed class BrokerVirtualHost : IAsyncLifetime
{
    private readonly string _name = $"test-{Guid.NewGuid():N}";
    private string? _uri;

    /// <summary>Its AMQP URI; skips the test if there is no broker.</summary>
    public string Uri => _uri ?? TestServers.RabbitMq;

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        // Without a broker the tests must be skipped one by one, which a fixture cannot do.
        var directory = Environment.GetEnvironmentVariable("FAAS_TEST_RABBITMQ_DIR");
        if (!string.IsNullOrEmpty(directory) && _uri is null)
        {
            await BrokerScript.RunAsync("vhost", directory, _name);
            _uri = await BrokerScript.RunAsync("uri", directory, _name);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_uri is not null)
        {
            await BrokerScript.RunAsync(
                "eval", TestServers.RabbitMqDirectory, $"rabbit_vhost:delete(<<\"{_name}\">>, <<\"faas\">>).");
        }
    }
}
