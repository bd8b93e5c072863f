using System.Text.Json;
using FaasCluster.Chaos.Arguments;
using FaasCluster.Chaos.Checking;
using FaasCluster.Chaos.Functions;
using FaasCluster.Chaos.Load;
using FaasCluster.Chaos.Nemesis;
using FaasCluster.Chaos.Platforms;
using FaasCluster.Chaos.Reporting;

namespace FaasCluster.Chaos;

/// <summary>One run: start, call and injure, heal and drain, check.</summary>
internal static class ChaosRun
{
    // However long the first ones take.
    private const int FewestFaults = 3;
    private static readonly TimeSpan LeftoversGone = TimeSpan.FromSeconds(20);
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    public static async Task<ChaosReport> RunAsync(ChaosArguments arguments, TextWriter output, CancellationToken cancellationToken)
    {
        var given = Environment.GetEnvironmentVariable("FAAS_CHAOS_WORK");
        var work = string.IsNullOrEmpty(given) ? Directory.CreateTempSubdirectory("faas-chaos-").FullName : given;

        // The servers' users and the sandboxes' have to pass through; what lies inside stays closed.
        File.SetUnixFileMode(work, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        ChaosReport report;
        await using (var platform = (Platform)(arguments.IsEmbedded ? new EmbeddedPlatform(work) : new ClusterPlatform(work, arguments.Nodes, arguments.IsControl)))
        {
            report = await RunAsync(arguments, platform, output, cancellationToken);
        }

        if (arguments.JsonFile is { } file)
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(report, Indented), CancellationToken.None);
        }

        if (!report.IsSound)
        {
            await File.WriteAllTextAsync(Path.Combine(work, "keep"), "", CancellationToken.None);
            await output.WriteLineAsync($"The history, the findings, the store and the logs of all processes are in {work}");
            foreach (var line in LogExcerpts.Of(work, report.Findings))
            {
                await output.WriteLineAsync(line);
            }
        }
        else if (string.IsNullOrEmpty(given))
        {
            Directories.Delete(work);
        }

        foreach (var line in report.Lines())
        {
            await output.WriteLineAsync(line);
        }

        return report;
    }

    private static async Task<ChaosReport> RunAsync(ChaosArguments arguments, Platform platform, TextWriter output, CancellationToken cancellationToken)
    {
        // 1. Start.
        await FaultyHosts.BuildAsync();
        await platform.StartAsync();
        using var client = new FaasClient(platform.Gateways[0].Url, platform.Key);
        foreach (var function in TestFunctions.All)
        {
            await client.DeployFileAsync(function.FileName, function.Source, function.Manifest);
        }

        // 2. Call and injure.
        var history = new History();
        var findings = new Findings();
        var random = new Random(arguments.Seed);
        using var caller = new Caller(history, platform.Key);
        var load = new LoadGenerator(caller, [.. platform.Gateways.Select(gateway => gateway.Url)], arguments.Seed, arguments.Rate);
        var probe = new RecoveryProbe(platform, caller, random);
        var scene = new FaultScene(platform, load, random, history, findings, client, probe);
        var injector = new FaultInjector(Kinds(arguments, platform), scene, probe, history, output);
        using var calm = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await probe.WhenWholeAsync();
        var calling = load.RunAsync(calm.Token);
        try
        {
            await injector.RunAsync(history.Now + TimeSpan.FromMinutes(arguments.Minutes), FewestFaults, cancellationToken);
        }
        catch (Exception exception) when (exception is FaultNotConfirmedException or Xunit.Sdk.XunitException or InvalidOperationException or HttpRequestException)
        {
            findings.Add("harness", exception.ToString());
        }

        // 3. Drain.
        await calm.CancelAsync();
        await calling;
        if (await Settlement.WaitAsync(platform, TimeSpan.FromSeconds(arguments.IsControl ? 20 : 90)) is { } left)
        {
            findings.Add(Invariants.Left, left);
        }

        // 4. Check.
        await history.SaveAsync(Path.Combine(platform.Work, "history.jsonl"));
        var report = await CheckAsync(arguments, platform, history, injector, findings);
        await File.WriteAllLinesAsync(Path.Combine(platform.Work, "findings.txt"), report.Findings.Select(finding => $"{finding.Invariant}: {finding.Text}"), CancellationToken.None);
        return report;
    }

    private static async Task<ChaosReport> CheckAsync(ChaosArguments arguments, Platform platform, History history, FaultInjector injector, Findings findings)
    {
        await using var store = await platform.OpenStoreAsync();
        var invocations = await StoreReader.InvocationsAsync(store);
        var bills = await StoreReader.BillsAsync(store);
        var executions = await Executions.ReadAsync(platform.Work);
        new RecordChecker(invocations, bills, executions, findings).Check(history.Calls);
        foreach (var gateway in platform.Gateways)
        {
            using var client = new FaasClient(gateway.Url, platform.Key);
            UsageChecker.Check(await client.UsageAsync(), bills, findings);
        }

        foreach (var problem in Appetite.Of(platform).ToList().Concat(await platform.StopHostsAsync()).Concat(await Leftovers.WaitAsync(platform, LeftoversGone)))
        {
            findings.Add(Invariants.Left, problem);
        }

        return ChaosReport.Make(
            arguments, history, injector, findings, invocations.Count, bills, executions, invocations.Where(row => row.Kind == "synchronous").Select(row => row.Id));
    }

    private static IReadOnlyList<FaultKind> Kinds(ChaosArguments arguments, Platform platform)
    {
        IReadOnlyList<FaultKind> kinds = platform is ClusterPlatform cluster
            ? [
                .. HostFaults.OfBothModes,
                .. HostFaults.OfClusters,
                .. arguments.IsControl ? new[] { HostFaults.OfControl } : [],
                .. arguments.Nodes > 1 ? BrokerFaults.OfSeveralNodes : BrokerFaults.OfOneNode,
                .. BrokerFaults.All,
                .. StoreFaults.All,
                .. cluster.Disk is null ? [] : new[] { StoreFaults.DiskFull },
            ]
            : HostFaults.OfBothModes;
        var wanted = arguments.Faults.Count > 0 ? arguments.Faults : arguments.IsControl ? [HostFaults.OfControl.Name] : [];
        var chosen = kinds.Where(kind => wanted.Count == 0 || wanted.Any(word => kind.Name.Contains(word, StringComparison.OrdinalIgnoreCase))).ToList();
        return chosen.Count > 0
            ? chosen
            : throw new InvalidOperationException($"No fault has '{string.Join("' or '", wanted)}' in its name; there are: {string.Join("; ", kinds.Select(kind => kind.Name))}");
    }
}
