using FaasCluster.Bench;
using FaasCluster.Bench.Baseline;

if (args is [BaselineServer.Verb, .. var rest])
{
    await BaselineServer.RunAsync(rest);
    return 0;
}

return await Measurement.RunAsync(args);
