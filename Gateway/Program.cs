using FaasCluster.Gateway;

return await GatewayProcess.RunAsync(() =>
{
    var builder = WebApplication.CreateBuilder(args);
    InstallationMode.RequireCluster(builder.Configuration);
    builder.AddGateway();
    var app = builder.Build();
    return app.MapGateway();
});
