using FaasCluster.Chaos;
using FaasCluster.Chaos.Arguments;

if (ChaosArguments.Read(args, out var problem) is not { } arguments)
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(ChaosArguments.Usage);
    return 2;
}

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};
var report = await ChaosRun.RunAsync(arguments, Console.Out, stop.Token);
return report.IsSound ? 0 : 1;
