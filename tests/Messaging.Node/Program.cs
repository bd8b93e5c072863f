// A node that a test starts in order to kill it. Arguments: what it does, for which function, and settings as name=value. It prints
// one line for everything that a test may wait for, and ends when its input does: a test that dies leaves none behind.
using FaasCluster.Messaging;
using FaasCluster.Messaging.Node;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

var function = Guid.Parse(args[1]);
var builder = Host.CreateEmptyApplicationBuilder(null);
builder.Configuration.AddInMemoryCollection(args[2..].Select(setting => setting.Split('=', 2)).ToDictionary(pair => pair[0], pair => (string?)pair[1]));
builder.Services.AddMessaging(builder.Configuration);
using var host = builder.Build();
await host.StartAsync();
var sender = host.Services.GetRequiredService<IInvocationSender>();
var receiver = host.Services.GetRequiredService<IInvocationReceiver>();
await (args[0] switch
{
    "enqueue" => Enqueuing.StartAsync(sender, function),
    "serve" => Serving.StartAsync(receiver, function, builder.Configuration["Messaging:NodeId"] ?? ""),
    var what => throw new ArgumentException($"'{what}' is nothing that this node does; expected enqueue or serve."),
});
await Console.In.ReadToEndAsync();
