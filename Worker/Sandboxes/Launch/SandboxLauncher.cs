using System.Collections.Concurrent;
using System.Globalization;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Launch;

/// <summary>
/// Starts sandboxes, from one thread that lives as long as the worker: --die-with-parent follows the thread that spawned, and
/// threads of the pool retire.
/// </summary>
internal sealed class SandboxLauncher : IAsyncDisposable
{
    private readonly SandboxOptions options;
    private readonly InstanceDirectory instance;
    private readonly EventLoop loop;
    private readonly SandboxSlots slots;
    private readonly BlockingCollection<Action> work = [];
    private readonly ConcurrentDictionary<int, SandboxProcess> running = new();
    private readonly Thread thread;

    public SandboxLauncher(SandboxOptions options, InstanceDirectory instance, ICgroupHierarchy cgroups, EventLoop loop)
    {
        this.options = options;
        this.instance = instance;
        this.loop = loop;
        Cgroups = cgroups;
        slots = new SandboxSlots(options.MaximumSandboxes);
        thread = new Thread(Run) { IsBackground = true, Name = "sandbox launcher" };
        thread.Start();
    }

    /// <summary>Where its sandboxes' cgroups are.</summary>
    public ICgroupHierarchy Cgroups { get; }

    /// <summary>Sandboxes that are not gone yet.</summary>
    public int Running => slots.Taken;

    /// <summary>Starts a sandbox; returns when its first process runs, which says nothing about what comes of it.</summary>
    /// <exception cref="IOException">The kernel refused something; nothing is left behind.</exception>
    public async Task<SandboxProcess> LaunchAsync(LaunchRequest request)
    {
        var slot = slots.Take();
        var name = string.Create(CultureInfo.InvariantCulture, $"slot-{slot}");
        var directory = Path.Combine(instance.Slots, name);
        ICgroup? cgroup = null;
        try
        {
            InstanceDirectory.MakeReadable(directory);
            InstanceDirectory.MakeReadable(Path.Combine(directory, "task"));
            cgroup = Cgroups.Create(name);
            cgroup.SetLimits(request.Limits);
            return await SpawnAsync(request, slot, directory, cgroup);
        }
        catch
        {
            if (cgroup is not null)
            {
                await cgroup.RemoveAsync(CancellationToken.None);
            }

            if (Directory.Exists(directory))
            {
                Directory.Delete(directory, recursive: true);
            }

            slots.Return(slot);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(running.Values.Select(sandbox => sandbox.EndAsync()));
        work.CompleteAdding();
        thread.Join();
        work.Dispose();
    }

    private async Task<SandboxProcess> SpawnAsync(LaunchRequest request, int slot, string directory, ICgroup cgroup)
    {
        int? user = Environment.IsPrivilegedProcess ? options.UserIdBase + (instance.Number * options.MaximumSandboxes) + slot : null;
        var arguments = BubblewrapCommand.Shell(options, cgroup.ProcsFiles, user, instance.Name, Limited(request));
        var settings = BubblewrapCommand.Arguments(options, instance.RootTree, request.PackageDirectory ?? Path.Combine(directory, "task"), request.Environment);

        using var input = request.Input is { } bytes ? Descriptor.Memory("event", bytes.Span) : Descriptor.Open("/dev/null", Libc.O_RDONLY);
        using var settingsFile = Descriptor.Memory("arguments", settings);
        var (outRead, outWrite) = Descriptor.Pipe();
        using var ownOutWrite = outWrite;
        var (errorRead, errorWrite) = Descriptor.Pipe();
        using var ownErrorWrite = errorWrite;
        var (control, theirControl) = Descriptor.SocketPair();
        using var ownTheirControl = theirControl;
        OutputCapture? output = null;
        try
        {
            if (user is { } owner)
            {
                // Else a function could not open its own /dev/stdout.
                _ = Libc.fchown(outWrite.Number, owner, owner);
                _ = Libc.fchown(errorWrite.Number, owner, owner);
            }

            output = new OutputCapture(loop, outRead, errorRead)
            {
                Result = request.ResultLimit is { } limit ? new ResultBuffer(limit) : null,
            };
            if (request.Log is { } log)
            {
                output.Begin(log);
            }

            var (id, process) = await OnThreadAsync(() =>
            {
                var id = Spawn.Start("/bin/sh", arguments, [input.Number, outWrite.Number, errorWrite.Number, theirControl.Number, settingsFile.Number]);

                // Nobody else reaps it, so the id is still its own.
                return (id, Descriptor.Own(Libc.pidfd_open(id, 0), "pidfd_open"));
            });
            return running[slot] = new SandboxProcess(id, process, loop, cgroup, directory, output, control, () =>
            {
                running.TryRemove(slot, out _);
                slots.Return(slot);
            });
        }
        catch
        {
            output?.Dispose();
            outRead.Dispose();
            errorRead.Dispose();
            control.Dispose();
            throw;
        }
    }

    // Without cgroups each process gets its own limits, by a shell in the sandbox: set outside, the number of processes would be
    // compared with all that the worker's user has.
    private IReadOnlyList<string> Limited(LaunchRequest request) => Cgroups.Enforcement != MemoryEnforcement.PerProcess
        ? request.Command
        :
        [
            "/bin/sh", "-c", "ulimit -p \"$1\" && ulimit -d \"$2\" && shift 2 && exec \"$@\"", "sh",
            request.Limits.Pids.ToString(CultureInfo.InvariantCulture),
            request.IsGeneric ? "unlimited" : (request.Limits.MemoryBytes / 1024).ToString(CultureInfo.InvariantCulture),
            .. request.Command,
        ];

    private Task<T> OnThreadAsync<T>(Func<T> function)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add(() =>
        {
            try
            {
                done.SetResult(function());
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        });
        return done.Task;
    }

    private void Run()
    {
        foreach (var action in work.GetConsumingEnumerable())
        {
            action();
        }
    }
}
