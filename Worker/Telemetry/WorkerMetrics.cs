using System.Diagnostics;
using System.Diagnostics.Metrics;
using FaasCluster.Contracts.Billing;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Telemetry;
using FaasCluster.Worker.Sandboxes;

namespace FaasCluster.Worker.Telemetry;

/// <summary>Every instrument of the worker.</summary>
internal sealed class WorkerMetrics : IDisposable
{
    private readonly Meter meter;
    private readonly Histogram<double> invokeDuration;
    private readonly Histogram<double> initDuration;
    private readonly Histogram<double> cpuUsage;
    private readonly Histogram<long> memoryUsage;
    private readonly Counter<long> coldStarts;
    private readonly Counter<long> errors;
    private readonly Counter<long> timeouts;
    private readonly Counter<long> successes;
    private readonly Counter<double> billed;
    private readonly Counter<long> duplicates;
    private readonly Counter<long> spills;
    private readonly Counter<long> callersGone;
    private readonly Counter<long> throttled;
    private readonly Counter<long> logLinesDropped;
    private readonly Histogram<long> streamed;

    public WorkerMetrics(IMeterFactory meters)
    {
        meter = meters.Create(TelemetryNames.Source);
        invokeDuration = meter.CreateHistogram<double>(TelemetryNames.InvokeDuration, "s");
        initDuration = meter.CreateHistogram<double>(TelemetryNames.InitDuration, "s");
        cpuUsage = meter.CreateHistogram<double>(TelemetryNames.CpuUsage, "s");
        memoryUsage = meter.CreateHistogram<long>(TelemetryNames.MemoryUsage, "By");
        coldStarts = meter.CreateCounter<long>(TelemetryNames.ColdStarts);
        errors = meter.CreateCounter<long>(TelemetryNames.Errors);
        timeouts = meter.CreateCounter<long>(TelemetryNames.Timeouts);
        successes = meter.CreateCounter<long>(TelemetryNames.Invocations);
        billed = meter.CreateCounter<double>(TelemetryNames.BilledGigabyteSeconds, "GBy.s");
        duplicates = meter.CreateCounter<long>(TelemetryNames.Duplicates);
        spills = meter.CreateCounter<long>(TelemetryNames.Spills);
        callersGone = meter.CreateCounter<long>(TelemetryNames.CallersGone);
        throttled = meter.CreateCounter<long>(TelemetryNames.Throttled);
        streamed = meter.CreateHistogram<long>(TelemetryNames.StreamedAnswers, "By");
        logLinesDropped = meter.CreateCounter<long>(TelemetryNames.LogLinesDropped);
    }

    public void Ended(FunctionManifest manifest, InvocationMessage message, ExecutionOutcome execution, InvocationTimings timings, bool cold, Bill bill)
    {
        var tags = new TagList { { TelemetryNames.FaasName, manifest.Name }, { TelemetryNames.FaasVersion, message.Revision } };
        invokeDuration.Record(timings.Run.TotalSeconds, tags);
        billed.Add((double)bill.GigabyteSeconds, tags);
        if (execution.CpuTime is { } cpu)
        {
            cpuUsage.Record(cpu.TotalSeconds, tags);
        }

        if (execution.PeakMemoryBytes is { } memory)
        {
            memoryUsage.Record(memory, tags);
        }

        if (cold)
        {
            coldStarts.Add(1, tags);
            initDuration.Record(timings.Init.TotalSeconds, tags);
        }

        if (execution.Error is not { } error)
        {
            successes.Add(1, tags);
            return;
        }

        if (error.Code == ErrorCode.Timeout)
        {
            timeouts.Add(1, tags);
        }

        tags.Add(TelemetryNames.ErrorType, error.Code.ToWire());
        errors.Add(1, tags);
    }

    public void Streamed(FunctionManifest manifest, InvocationMessage message, long bytes) =>
        streamed.Record(bytes, new TagList { { TelemetryNames.FaasName, manifest.Name }, { TelemetryNames.FaasVersion, message.Revision } });

    public void Duplicate() => duplicates.Add(1);

    public void Spilled(int calls) => spills.Add(calls);

    public void CallerGone() => callersGone.Add(1);

    public void Throttled() => throttled.Add(1);

    public void LogLinesDropped(int lines) => logLinesDropped.Add(lines);

    public void Dispose() => meter.Dispose();
}
