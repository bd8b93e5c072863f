using System.Collections.Concurrent;
using System.Globalization;
using FaasCluster.Contracts;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Isolation;
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
    private readonly Defences defences;
    private readonly IIsolator isolator;
    private readonly SandboxSlots slots;
    private readonly BlockingCollection<Action> work = [];
    private readonly ConcurrentDictionary<int, SandboxProcess> running = new();
    private readonly Thread thread;
    private readonly Lock gate = new();
    private readonly TaskCompletionSource allLaunched = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int launching;
    private bool stopping;

    public SandboxLauncher(SandboxOptions options, InstanceDirectory instance, ICgroupHierarchy cgroups, EventLoop loop, Defences? defences = null)
    {
        this.options = options;
        this.defences = defences ?? Defences.All;
        isolator = Isolators.For(options, this.defences);
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
        lock (gate)
        {
            if (stopping)
            {
                throw new IOException("The worker is stopping.");
            }

            launching++;
        }

        try
        {
            return await LaunchOnceAsync(request);
        }
        finally
        {
            lock (gate)
            {
                launching--;
                CheckAllLaunched();
            }
        }
    }

    /// <summary>Launches nothing more, waits for what is under way, and ends every sandbox.</summary>
    /// <exception cref="IOException">A sandbox was not removed completely.</exception>
    public async ValueTask DisposeAsync()
    {
        lock (gate)
        {
            stopping = true;
            CheckAllLaunched();
        }

        await allLaunched.Task;
        try
        {
            await Task.WhenAll(running.Values.Select(sandbox => sandbox.EndAsync()));
        }
        finally
        {
            work.CompleteAdding();
            thread.Join();
            work.Dispose();
        }
    }

    // Under the lock.
    private void CheckAllLaunched()
    {
        if (stopping && launching == 0)
        {
            allLaunched.TrySetResult();
        }
    }

    private async Task<SandboxProcess> LaunchOnceAsync(LaunchRequest request)
    {
        var slot = slots.Take();
        var name = string.Create(CultureInfo.InvariantCulture, $"slot-{slot}");
        var directory = Path.Combine(instance.Slots, name);
        ICgroup? cgroup = null;
        try
        {
            if (Directory.Exists(directory))
            {
                // Its last user could not remove it, and no function may see what another one had.
                Directory.Delete(directory, recursive: true);
            }

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

            InstanceDirectory.TryDelete(directory);
            slots.Return(slot);
            throw;
        }
    }

    private async Task<SandboxProcess> SpawnAsync(LaunchRequest request, int slot, string directory, ICgroup cgroup)
    {
        int? user = Environment.IsPrivilegedProcess && defences.OwnUser ? options.UserIdBase + (instance.Number * SandboxOptions.MostSandboxes) + slot : null;
        var command = isolator.Prepare(new SandboxPlan
        {
            Owner = instance.Name,
            Directory = directory,
            UserId = user ?? (int)Libc.geteuid(),
            GroupId = user ?? (int)Libc.getegid(),
            Root = instance.RootTree,
            Task = request.PackageDirectory ?? Path.Combine(directory, "task"),
            Environment = request.Environment,
            Command = Limited(request),
        });
        var arguments = LaunchScript.Arguments(options, defences, cgroup.ProcsFiles, user, command.Arguments);

        var told = request.IsToldLater ? Descriptor.Memory("start") : null;
        using var input = told is not null ? null : request.Input is { } bytes ? Descriptor.Memory("event", bytes.Span) : Descriptor.Open("/dev/null", Libc.O_RDONLY);
        List<Descriptor> files = [];
        Descriptor? outRead = null, errorRead = null, control = null, process = null;
        OutputCapture? output = null;
        var id = 0;
        try
        {
            files.AddRange(command.Files.Select(contents => Descriptor.Memory("isolator", contents)));
            if (!defences.ClosedDescriptors)
            {
                files.Add(Descriptor.Open("/", Libc.O_RDONLY));
            }

            (outRead, var outWrite) = Descriptor.Pipe();
            using var ownOutWrite = outWrite;
            (errorRead, var errorWrite) = Descriptor.Pipe();
            using var ownErrorWrite = errorWrite;
            (control, var theirControl) = Descriptor.SocketPair();
            using var ownTheirControl = theirControl;
            if (user is { } owner)
            {
                // Else a function could not open its own /dev/stdout.
                _ = Libc.fchown(outWrite.Number, owner, owner);
                _ = Libc.fchown(errorWrite.Number, owner, owner);
            }

            output = new OutputCapture(loop, outRead, errorRead)
            {
                Result = request.ResultLimit is { } limit ? new ResultBuffer(limit) : null,
                LogBytes = defences.LogLimit ? Limits.LogBytes : int.MaxValue,
            };
            if (request.Log is { } log)
            {
                output.Begin(log);
            }

            id = await OnThreadAsync(() => Spawn.Start("/bin/sh", arguments, [(told ?? input!).Number, outWrite.Number, errorWrite.Number, theirControl.Number, .. files.Select(file => file.Number)]));

            // Nobody else reaps it, so the id is still its own.
            process = Descriptor.Own(Libc.pidfd_open(id, 0), "pidfd_open");
            return running[slot] = new SandboxProcess(id, process, loop, cgroup, directory, output, control, () =>
            {
                running.TryRemove(slot, out _);
                slots.Return(slot);
            })
            {
                UserId = user,
                Told = told,
            };
        }
        catch
        {
            if (id != 0)
            {
                Spawn.KillAndReap(id);
            }

            output?.Dispose();
            outRead?.Dispose();
            errorRead?.Dispose();
            control?.Dispose();
            process?.Dispose();
            told?.Dispose();
            throw;
        }
        finally
        {
            files.ForEach(file => file.Dispose());
        }
    }

    // Without cgroups each process gets its own limits, by a shell in the sandbox: set outside, the number of processes would be
    // compared with all that the worker's user has.
    private IReadOnlyList<string> Limited(LaunchRequest request) => Cgroups.Enforcement != MemoryEnforcement.PerProcess
        ? request.Command
        :
        [
            RootTree.ScriptShell, "-c", "if [ -n \"$BASH\" ]; then ulimit -u \"$1\"; else ulimit -p \"$1\"; fi && ulimit -d \"$2\" && shift 2 && exec \"$@\"", "sh",
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
