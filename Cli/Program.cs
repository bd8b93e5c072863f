using FaasCluster.Cli;

return await FaasCommandLine.RunAsync(args, Terminal.OfProcess());
