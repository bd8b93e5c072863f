using FaasCluster.Gateway;
using FaasCluster.Messaging.Hosting;
using FaasCluster.Standalone;
using FaasCluster.Worker;

return await NodeProcess.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    builder.AddGateway();
    builder.AddWorker();
    builder.Services.AddHostedService<Banner>();
    builder.Services.AddHostedService<OwnAddress>();
    builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
    var app = builder.Build();
    return app.MapGateway();
});
