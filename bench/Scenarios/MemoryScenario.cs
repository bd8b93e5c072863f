using System.Diagnostics;
using System.Text.Json;
using FaasCluster.Bench.Hosting;
using FaasCluster.Bench.Http;
using FaasCluster.Bench.Machine;
using FaasCluster.Bench.Reporting;

namespace FaasCluster.Bench.Scenarios;

/// <summary>
/// What a sandbox that waits in the pool costs in memory, all of its processes together, against a bare interpreter that has
/// loaded the same modules and waits, as many of one as of the other at the same time.
/// </summary>
internal sealed class MemoryScenario(Platform platform, Report report)
{
    private const int Sandboxes = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Runtime[] Runtimes =
    [
        new(
            "python3",
            "app.py",
            "import sys\n\nMODULES = sorted(name for name in sys.modules if name not in ('app', '__main__'))\n\n\ndef handler(event, context):\n    return MODULES\n",
            BareProcess.Python[0],
            modules => ["-I", "-B", "-c", $"import importlib\nfor name in {JsonSerializer.Serialize(modules)}:\n    try: importlib.import_module(name)\n    except ImportError: pass\nprint('ready', flush=True)\ninput()"]),
        new(
            "nodejs",
            "app.js",
            "const { builtinModules } = require('node:module');\nconst loaded = process.moduleLoadList.map((name) => name.replace('NativeModule ', '')).filter((name) => builtinModules.includes(name));\nexports.handler = async () => loaded;\n",
            BareProcess.Node[0],
            modules => ["-e", $"for (const name of {JsonSerializer.Serialize(modules)}) require(name); console.log('ready'); process.stdin.resume();"]),
    ];

    public async Task RunAsync(int rounds, CancellationToken cancellationToken)
    {
        report.Begin($"memory: proportional set size of a pooled sandbox, {Sandboxes} of them waiting");
        var modules = new Dictionary<string, string[]>();
        foreach (var runtime in Runtimes)
        {
            modules[runtime.Id] = await ModulesAsync(runtime, cancellationToken);
        }

        for (var round = 0; round < rounds; round++)
        {
            // A worker that has run nothing: what is below it waits in its pool.
            await platform.RestartWorkerAsync(
                new Dictionary<string, string> { ["Sandbox:PoolMinimum"] = $"{Sandboxes}", ["Sandbox:PoolMaximum"] = $"{Sandboxes}" }, cancellationToken);
            foreach (var runtime in Runtimes)
            {
                var sandboxes = await WhenPooledAsync(runtime, cancellationToken);
                var bare = Enumerable.Range(0, Sandboxes).Select(_ => Start(runtime, modules[runtime.Id])).ToList();
                try
                {
                    foreach (var process in bare)
                    {
                        if (await process.StandardOutput.ReadLineAsync(cancellationToken) != "ready")
                        {
                            throw new BenchFailedException($"'{runtime.Program}' did not load the modules of a sandbox.");
                        }
                    }

                    var pooled = sandboxes.Average(processes => processes.Sum(SetSize.OfProcess));
                    var alone = bare.Average(process => SetSize.OfProcess(process.Id));
                    report.Figure($"{runtime.Id}_pooled_set_size", "MB", pooled);
                    report.Figure($"{runtime.Id}_bare_set_size", "MB", alone);
                    report.Ratio($"{runtime.Id}_set_size_ratio", pooled, alone);
                }
                finally
                {
                    foreach (var process in bare)
                    {
                        process.Kill();
                        process.Dispose();
                    }
                }
            }
        }

        await platform.RestartWorkerAsync(new Dictionary<string, string>(), cancellationToken);
    }

    private async Task<string[]> ModulesAsync(Runtime runtime, CancellationToken cancellationToken)
    {
        var name = $"modules-{runtime.Id}";
        await platform.DeployAsync(runtime.File, runtime.Source, Functions.Manifest(name, runtime.Id, "app.handler"), cancellationToken);
        using var connection = await HttpConnection.OpenAsync(platform.Gateway.Url, cancellationToken);
        var answer = await connection.SendAsync(platform.Call(name, Functions.Event), cancellationToken);
        if (answer.Status != 200)
        {
            throw new BenchFailedException($"{name} answered {answer.Status}.");
        }

        await platform.DeleteAsync(name, cancellationToken);
        return JsonSerializer.Deserialize<string[]>(answer.Body.Span)!;
    }

    // The processes of each sandbox.
    private async Task<IReadOnlyList<IReadOnlyList<int>>> WhenPooledAsync(Runtime runtime, CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Patience; await Task.Delay(200, cancellationToken))
        {
            if (Pooled(runtime) is { Count: >= Sandboxes } sandboxes)
            {
                // What they load while nothing is asked.
                await Task.Delay(2000, cancellationToken);
                return sandboxes;
            }
        }

        throw new BenchFailedException($"The worker has not booted {Sandboxes} sandboxes for {runtime.Id} within {Patience.TotalSeconds:0} s.");
    }

    private List<IReadOnlyList<int>> Pooled(Runtime runtime)
    {
        try
        {
            return [.. SetSize.Children(platform.Worker.Id)
                .Select(child => (IReadOnlyList<int>)[child, .. SetSize.Below(child)])
                .Where(processes => processes.Any(process => SetSize.ProgramOf(process) == runtime.Program))];
        }
        catch (IOException)
        {
            // One has ended while they were looked at.
            return [];
        }
    }

    private static Process Start(Runtime runtime, string[] modules) =>
        Process.Start(new ProcessStartInfo(runtime.Program, runtime.Bare(modules)) { RedirectStandardOutput = true, RedirectStandardInput = true })!;

    private sealed record Runtime(string Id, string File, string Source, string Program, Func<string[], string[]> Bare);
}
