using FaasCluster.Worker;
using FaasCluster.Worker.Sandboxes;

if (CanaryCommand.IsAskedFor(args))
{
    return await CanaryCommand.RunAsync(args);
}

var builder = WebApplication.CreateBuilder(args);
builder.AddWorker();
var app = builder.Build();
app.MapWorker();
await app.RunAsync();
return 0;
