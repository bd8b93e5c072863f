using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace FaasCluster.Messaging.Tests;

/// <summary>One process of a cluster, as far as messaging is concerned.</summary>
public sealed class MessagingNode : IAsyncDisposable
{
    private readonly IHost _host;
    private bool _stopped;

    private MessagingNode(IHost host) => _host = host;

    public IInvocationSender Sender => _host.Services.GetRequiredService<IInvocationSender>();

    public IInvocationReceiver Receiver => _host.Services.GetRequiredService<IInvocationReceiver>();

    public IQueueDepths Depths => _host.Services.GetRequiredService<IQueueDepths>();

    public IControlBus Bus => _host.Services.GetRequiredService<IControlBus>();

    public string? Problem => _host.Services.GetRequiredService<IMessagingHealth>().Problem;

    public string NodeId => _host.Services.GetRequiredService<IOptions<MessagingOptions>>().Value.NodeId;

    /// <summary>Starts one.</summary>
    /// <param name="settings">Configuration, for example "ConnectionStrings:RabbitMq".</param>
    /// <param name="configure">Further services, registered behind those of messaging as a host would.</param>
    public static async Task<MessagingNode> StartAsync(Dictionary<string, string?> settings, Action<IServiceCollection>? configure = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Logging.AddProvider(new TestLogProvider());
        builder.Logging.SetMinimumLevel(LogLevel.Information);
        builder.Services.AddMessaging(builder.Configuration);
        configure?.Invoke(builder.Services);
        var node = new MessagingNode(builder.Build());
        await node._host.StartAsync();
        return node;
    }

    public async Task StopAsync()
    {
        _stopped = true;
        await _host.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopped)
        {
            await StopAsync();
        }

        await ((IAsyncDisposable)_host).DisposeAsync();
    }

    /// <summary>Logs to the running test's output.</summary>
    private sealed class TestLogProvider : ILoggerProvider, ILogger
    {
        private readonly ITestOutputHelper? _output = TestContext.Current.TestOutputHelper;
        private string _category = "";

        public ILogger CreateLogger(string categoryName) => new TestLogProvider { _category = categoryName };

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            try
            {
                _output?.WriteLine($"{TimeOnly.FromDateTime(DateTime.Now):HH:mm:ss.fff} {logLevel} {_category}[{eventId.Id}] {formatter(state, exception)} {exception}");
            }
            catch (InvalidOperationException)
            {
                // The test is over; its node is still ending.
            }
        }

        public void Dispose()
        {
        }
    }
}
