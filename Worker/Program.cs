using FaasCluster.Worker;

var builder = WebApplication.CreateBuilder(args);
builder.AddWorker();
var app = builder.Build();
app.MapWorker();
await app.RunAsync();
