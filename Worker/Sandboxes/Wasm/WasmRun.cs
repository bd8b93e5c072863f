using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using FaasCluster.Contracts;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Wasm.Native;
using FaasCluster.Worker.Sandboxes.Wasm.Wasi;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>One run of a module, in a store of its own, and all that it can reach of the world.</summary>
internal sealed class WasmRun : IDisposable
{
    private const int MostTables = 4;
    private const int MostTableElements = 500_000;

    // What the kernel gives a cgroup too: the share of a period may be used up at once.
    private static readonly TimeSpan CpuPeriod = TimeSpan.FromMilliseconds(100);

    private readonly object gate = new();
    private readonly long startedAt = Stopwatch.GetTimestamp();
    private TimeSpan cpuStart;
    private Memory memory;
    private bool hasMemory;
    private volatile WasmEnd end;

    /// <summary>Most bytes of linear memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>The longest run.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>CPU in cores; null for no limit.</summary>
    public required double? Cores { get; init; }

    /// <summary>The program's name and arguments.</summary>
    public required IReadOnlyList<byte[]> Arguments { get; init; }

    /// <summary>NAME=VALUE.</summary>
    public required IReadOnlyList<byte[]> Environment { get; init; }

    /// <summary>Standard input.</summary>
    public required ReadOnlyMemory<byte> Input { get; init; }

    /// <summary>The package, read-only.</summary>
    public required PackageTree Package { get; init; }

    /// <summary>The wall clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Receives standard error.</summary>
    public required IExecutionLog Log { get; init; }

    /// <summary>Its descriptors.</summary>
    public WasiDescriptors Descriptors => field ??= new WasiDescriptors(this);

    /// <summary>How it ended; <see cref="WasmEnd.None"/> while it runs.</summary>
    public WasmEnd End => end;

    /// <summary>The exit status, if it ended by itself.</summary>
    public uint ExitStatus { get; private set; }

    /// <summary>Where it ended and why, if it trapped.</summary>
    public WasmTrap? Trap { get; private set; }

    /// <summary>Standard output.</summary>
    public ResultBuffer Output { get; } = new(Limits.SynchronousPayloadBytes);

    /// <summary>Used by its thread.</summary>
    public TimeSpan CpuTime { get; private set; }

    /// <summary>Size of its linear memory at the end: it never shrinks.</summary>
    public long PeakMemoryBytes { get; private set; }

    /// <summary>Since its making.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(startedAt);

    /// <summary>Used so far, asked on its thread.</summary>
    public TimeSpan CpuTimeSoFar => ThreadClock.Now - cpuStart;

    /// <summary>What the platform failed at.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Ends it because of an exception of ours.</summary>
    public void Fail(Exception exception)
    {
        Failure = exception;
        Stop(WasmEnd.Failed);
    }

    /// <summary>Ends it soon, from any thread; the first reason counts.</summary>
    public void Stop(WasmEnd reason)
    {
        lock (gate)
        {
            if (end == WasmEnd.None)
            {
                end = reason;
            }

            Monitor.PulseAll(gate);
        }
    }

    /// <summary>Ends it with a status.</summary>
    public void Exit(uint status)
    {
        ExitStatus = status;
        Stop(WasmEnd.Exited);
    }

    /// <summary>Waits, but not beyond its end.</summary>
    public void Wait(TimeSpan time)
    {
        var until = Elapsed + time;
        lock (gate)
        {
            while (MayGoOn() && until - Elapsed is var left && left > TimeSpan.Zero)
            {
                var most = Timeout - Elapsed;
                Monitor.Wait(gate, TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(Math.Min((left < most ? left : most).TotalMilliseconds, 60_000)))));
            }
        }
    }

    /// <summary>Whether there is time left.</summary>
    public bool MayGoOn()
    {
        if (end == WasmEnd.None && Elapsed >= Timeout)
        {
            Stop(WasmEnd.TimedOut);
        }

        return end == WasmEnd.None;
    }

    /// <summary>Its linear memory as it is now. Every call that may grow it makes this invalid.</summary>
    public unsafe bool TryGetMemory(nint caller, nint context, out GuestMemory guest)
    {
        if (!hasMemory)
        {
            Extern item;
            fixed (byte* name = "memory"u8)
            {
                hasMemory = Native.Wasmtime.wasmtime_caller_export_get(caller, name, 6, &item) && item.Kind == Extern.MemoryKind;
            }

            memory = item.Memory;
        }

        fixed (Memory* pointer = &memory)
        {
            guest = hasMemory
                ? new GuestMemory(Native.Wasmtime.wasmtime_memory_data(context, pointer), Native.Wasmtime.wasmtime_memory_data_size(context, pointer))
                : default;
        }

        return hasMemory;
    }

    /// <summary>Instantiates a module and runs it to its end.</summary>
    public unsafe void Execute(nint engine, nint prepared)
    {
        cpuStart = ThreadClock.Now;
        var self = GCHandle.Alloc(this);
        var store = Native.Wasmtime.wasmtime_store_new(engine, GCHandle.ToIntPtr(self), 0);
        try
        {
            Native.Wasmtime.wasmtime_store_limiter(store, MemoryBytes, MostTableElements, instances: 1, MostTables, memories: 1);
            Native.Wasmtime.wasmtime_store_epoch_deadline_callback(store, &OnEpoch, GCHandle.ToIntPtr(self), 0);
            var context = Native.Wasmtime.wasmtime_store_context(store);
            Native.Wasmtime.wasmtime_context_set_epoch_deadline(context, 1);
            if (MayGoOn())
            {
                Call(context, prepared);
            }
        }
        finally
        {
            Native.Wasmtime.wasmtime_store_delete(store);
            self.Free();
            CpuTime = CpuTimeSoFar;
        }
    }

    public void Dispose() => Descriptors.Dispose();

    private unsafe void Call(nint context, nint prepared)
    {
        nint trap = 0;
        Instance instance;
        var error = Native.Wasmtime.wasmtime_instance_pre_instantiate(prepared, context, &instance, &trap);
        if (error == 0 && trap == 0)
        {
            Extern start;
            fixed (byte* name = "_start"u8)
            {
                if (!Native.Wasmtime.wasmtime_instance_export_get(context, &instance, name, 6, &start) || start.Kind != Extern.FunctionKind)
                {
                    throw new WasmException("The module has no function '_start'.");
                }
            }

            RawValue none;
            error = Native.Wasmtime.wasmtime_func_call_unchecked(context, &start.Function, &none, 0, &trap);
            PeakMemoryBytes = MemorySize(context, &instance);
        }

        if (error == 0 && trap == 0)
        {
            Stop(WasmEnd.Exited);
            return;
        }

        // An error is what the epoch's callback made, or that the module asks for more than the store's limits.
        var message = error == 0 || end != WasmEnd.None ? null : Native.Wasmtime.TakeMessage(error);
        if (end != WasmEnd.None && error != 0)
        {
            Native.Wasmtime.wasmtime_error_delete(error);
        }

        if (trap != 0)
        {
            Trap = WasmTrap.Take(trap);
        }
        else if (message is not null)
        {
            Trap = new WasmTrap(message, []);
        }

        Stop(WasmEnd.Trapped);
    }

    private static unsafe long MemorySize(nint context, Instance* instance)
    {
        Extern item;
        fixed (byte* name = "memory"u8)
        {
            return Native.Wasmtime.wasmtime_instance_export_get(context, instance, name, 6, &item) && item.Kind == Extern.MemoryKind
                ? (long)Native.Wasmtime.wasmtime_memory_data_size(context, &item.Memory)
                : 0;
        }
    }

    [UnmanagedCallersOnly]
    private static unsafe nint OnEpoch(nint context, nint data, ulong* delta, byte* kind)
    {
        try
        {
            var run = Unsafe.As<WasmRun>(GCHandle.FromIntPtr(data).Target!);
            *delta = 1;
            *kind = 0;
            run.WaitForShare();
            return run.MayGoOn() ? 0 : Native.Wasmtime.NewError();
        }
        catch
        {
            // Nothing above could catch it.
            return Native.Wasmtime.NewError();
        }
    }

    // The same share as the other runtimes have by their cgroups.
    private void WaitForShare()
    {
        if (Cores is { } cores)
        {
            var used = CpuTimeSoFar - (CpuPeriod * cores);
            if (used / cores - Elapsed is var ahead && ahead > TimeSpan.Zero)
            {
                Wait(ahead);
            }
        }
    }
}
