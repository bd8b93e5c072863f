using FaasCluster.Gateway;
using FaasCluster.Messaging.Hosting;

return await NodeProcess.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    InstallationMode.RequireCluster(builder.Configuration, "a gateway");
    builder.AddGateway();
    var app = builder.Build();
    return app.MapGateway();
});
