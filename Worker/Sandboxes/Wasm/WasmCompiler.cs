using System.Text;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Cgroups;
using FaasCluster.Worker.Sandboxes.Launch;

namespace FaasCluster.Worker.Sandboxes.Wasm;

/// <summary>
/// Compiles modules, each in a sandbox of its own: a module can be made to take the compiler minutes and gigabytes, and nothing
/// ends a compilation but the end of its process.
/// </summary>
internal sealed class WasmCompiler(SandboxLauncher launcher, SandboxOptions options)
{
    /// <summary>The largest machine code.</summary>
    public const int MostCodeBytes = 128 << 20;

    private const long MemoryBytes = 1L << 30;
    private const int WrongModule = 65;

    // Not disposed: that does nothing as long as nobody asks for its handle.
    private readonly SemaphoreSlim places = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <summary>Compiles one. Exactly one of the results' code and error is set.</summary>
    public async Task<Compilation> CompileAsync(FunctionManifest manifest, PackageLease package, CancellationToken cancellationToken)
    {
        await places.WaitAsync(cancellationToken);
        try
        {
            var log = new LastLine();
            var process = await launcher.LaunchAsync(new LaunchRequest
            {
                Command = [options.PythonPath, "-I", "-B", $"{RootTree.RuntimeDirectory}/wasm/compile.py", $"{RootTree.TaskDirectory}/{manifest.Handler}", .. WasmSettings.Arguments],
                Limits = new CgroupLimits(MemoryBytes, options.ProcessLimit, Cores: null),
                PackageDirectory = package.Directory,
                ResultLimit = MostCodeBytes,
                Log = log,
            });
            try
            {
                return await RunAsync(process, manifest, log, cancellationToken);
            }
            finally
            {
                await process.EndAsync();
            }
        }
        finally
        {
            places.Release();
        }
    }

    private static async Task<Compilation> RunAsync(SandboxProcess process, FunctionManifest manifest, LastLine log, CancellationToken cancellationToken)
    {
        InvocationError? error = null;
        var status = 0;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(manifest.InitTimeout);
        var result = process.Output.Result!;
        try
        {
            if (await Task.WhenAny(process.Exited, result.Exceeded).WaitAsync(timeout.Token) == process.Exited)
            {
                status = (await process.Exited).Status;
            }
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            error = Failures.Of(
                ErrorCode.InitTimeout, $"Compiling '{manifest.Handler}' took longer than the function's initTimeout of {manifest.InitTimeout.TotalSeconds} s; raise it in the manifest, or make the module smaller.");
        }

        await process.KillAsync();
        process.Output.End();
        if (error is null && process.Cgroup.ReadOutOfMemoryKills() > 0)
        {
            error = Failures.Of(ErrorCode.InitError, $"Compiling '{manifest.Handler}' took more than {MemoryBytes >> 20} MB of memory; make the module smaller.");
        }
        else if (error is null && result.Exceeded.IsCompleted)
        {
            error = Failures.Of(ErrorCode.InitError, $"'{manifest.Handler}' becomes more than {MostCodeBytes >> 20} MB of machine code; make the module smaller.");
        }
        else if (error is null && status == WrongModule)
        {
            error = Failures.Of(ErrorCode.InitError, $"'{manifest.Handler}' cannot be run: {log.Text}");
        }
        else if (error is null && status != 0)
        {
            error = Failures.Of(ErrorCode.SandboxFailed, $"'{manifest.Handler}' could not be compiled: the compiler {new ProcessExit(status)}. {log.Text}".TrimEnd());
        }

        return new Compilation
        {
            Code = error is null ? result.Bytes : (ReadOnlyMemory<byte>?)null,
            Error = error,
            CpuTime = process.Cgroup.ReadCpuTime(),
            PeakMemoryBytes = process.Cgroup.ReadPeakMemory(),
        };
    }

    private sealed class LastLine : IExecutionLog
    {
        private volatile string text = "";

        public string Text => text;

        public void Write(string stream, ReadOnlySpan<byte> line)
        {
            if (line.Length > 0)
            {
                text = Encoding.UTF8.GetString(line[..Math.Min(line.Length, 2000)]);
            }
        }
    }
}
