using FaasCluster.Messaging.Hosting;
using FaasCluster.Worker;
using FaasCluster.Worker.Sandboxes;

if (CanaryCommand.IsAskedFor(args))
{
    return await CanaryCommand.RunAsync(args);
}

return await NodeProcess.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    InstallationMode.RequireCluster(builder.Configuration, "a worker");
    builder.AddWorker();
    var app = builder.Build();
    return app.MapWorker();
});
