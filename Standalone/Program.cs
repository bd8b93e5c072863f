using FaasCluster.Gateway;
using FaasCluster.Standalone;
using FaasCluster.Worker;

var builder = WebApplication.CreateBuilder(args);
builder.AddGateway();
builder.AddWorker();
builder.Services.AddHostedService<Banner>();
builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
var app = builder.Build();
app.MapGateway();
await app.RunAsync();
