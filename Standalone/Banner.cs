using System.Diagnostics;
using System.Globalization;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace FaasCluster.Standalone;

/// <summary>Says where everything is, as soon as a function can be called.</summary>
internal sealed class Banner(
    IHostApplicationLifetime lifetime, IServer server, WorkerReadiness readiness, IConfiguration configuration, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await StartedAsync(stoppingToken);
            var began = time.GetTimestamp();
            while (readiness.Problem == WorkerReadiness.Starting && time.GetElapsedTime(began) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), time, stoppingToken);
            }

            Print();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopped before it was ready: there is nothing to announce.
        }
    }

    private async Task StartedAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
    }

    // As whoever started it would write it.
    private static string Shorten(string path)
    {
        var relative = Path.GetRelativePath(Environment.CurrentDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    private void Print()
    {
        var url = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "http://127.0.0.1:8080";
        var took = time.GetUtcNow() - Process.GetCurrentProcess().StartTime.ToUniversalTime();
        var problem = readiness.Problem;
        var data = Shorten(configuration["Data:Directory"] ?? "");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            FaasCluster   mode embedded (data in {data}), 1 worker
            API           {url}/docs
            Key           {configuration["Standalone:KeyNote"] ?? $"in {data}/bootstrap-key"}
            Sandbox       {(problem is null ? "bubblewrap, canary passed" : problem)}    runtimes {string.Join(' ', RuntimeIds.All)}
            {(problem is null ? $"Ready in {took.TotalSeconds:0.0} s" : "Not ready: functions can be deployed, but not run")}
            """));
    }
}
