using System.Net.Sockets;
using System.Text.Json;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Native;

namespace FaasCluster.Worker.Sandboxes.Network;

/// <summary>
/// The worker's end of runtimes/network/helper.py, which makes sockets inside the network namespaces of sandboxes: only a process of
/// one thread can join another's namespaces, and .NET has never just one. It is started once, ends with the worker, and is started again if it died.
/// </summary>
/// <param name="options">Settings.</param>
/// <param name="script">The helper's file.</param>
/// <param name="loop">Watches for its end.</param>
/// <param name="logger">For its unexpected end.</param>
internal sealed class NetworkHelper(SandboxOptions options, string script, EventLoop loop, ILogger logger) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Lock gate = new();
    private HelperProcess? running;
    private bool stopping;

    /// <summary>Its process id, 0 if it does not run.</summary>
    public int ProcessId
    {
        get
        {
            lock (gate)
            {
                return running is { Ended.IsCompleted: false } ? running.Id : 0;
            }
        }
    }

    /// <summary>Starts it ahead of the first request.</summary>
    public void Start() => Get();

    /// <summary>Asks for sockets in a sandbox, in the order of the request.</summary>
    /// <param name="sandbox">Where; it must have said that it is ready.</param>
    /// <param name="request">What.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">The sandbox has ended, or the kernel refused it.</exception>
    public async Task<IReadOnlyList<Socket>> AskAsync(SandboxProcess sandbox, HelperRequest request, CancellationToken cancellationToken)
    {
        var (process, handle) = sandbox.OpenInside();
        using var ownHandle = handle;
        var (ours, theirs) = Descriptor.SocketPair();
        using var answer = new Socket(new SafeSocketHandle(ours.Release(), ownsHandle: true));
        using (theirs)
        {
            var message = JsonSerializer.SerializeToUtf8Bytes(request with { Process = process, User = sandbox.UserId }, HelperJson.Default.HelperRequest);
            Send(message, [theirs.Number, handle.Number]);
        }

        List<Socket> sockets = [];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        try
        {
            // Looks without taking: descriptors come with the first byte, and only recvmsg hands them over.
            if (await answer.ReceiveAsync(new byte[1], SocketFlags.Peek, patience.Token) == 0)
            {
                throw new IOException("The network helper ended without an answer.");
            }

            sockets = Take(answer, request.Sockets.Count);

            // Its end means that the helper has closed its copies.
            await answer.ReceiveAsync(new byte[1], SocketFlags.None, patience.Token);
            return sockets;
        }
        catch (OperationCanceledException)
        {
            sockets.ForEach(socket => socket.Dispose());
            cancellationToken.ThrowIfCancellationRequested();
            throw new IOException($"The network helper did not answer within {Patience.TotalSeconds} s.");
        }
        catch (SocketException exception)
        {
            sockets.ForEach(socket => socket.Dispose());
            throw new IOException($"The network helper ended without an answer: {exception.Message}", exception);
        }
    }

    public async ValueTask DisposeAsync()
    {
        HelperProcess? last;
        lock (gate)
        {
            stopping = true;
            last = running;
        }

        if (last is not null)
        {
            last.Socket.Dispose();
            await last.Ended.WaitAsync(Patience);
        }
    }

    private static List<Socket> Take(Socket answer, int expected)
    {
        var buffer = new byte[64 << 10];
        var descriptors = new List<int>();
        var count = DescriptorMessage.Receive((int)answer.Handle, buffer, descriptors);
        var sockets = descriptors.Select(descriptor => new Socket(new SafeSocketHandle(descriptor, ownsHandle: true))).ToList();
        var problem = JsonSerializer.Deserialize(buffer.AsSpan(0, count), HelperJson.Default.HelperAnswer)?.Error;
        if (problem is null && sockets.Count == expected)
        {
            return sockets;
        }

        sockets.ForEach(socket => socket.Dispose());
        throw new IOException($"The sandbox's network could not be prepared: {problem ?? $"{sockets.Count} sockets came, {expected} were asked for"}");
    }

    private void Send(ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors)
    {
        // Under the lock, and once more with a new helper if this one has just died.
        lock (gate)
        {
            try
            {
                DescriptorMessage.Send(Get().Socket.Number, message, descriptors);
            }
            catch (IOException) when (!stopping)
            {
                running = null;
                DescriptorMessage.Send(Get().Socket.Number, message, descriptors);
            }
        }
    }

    private HelperProcess Get()
    {
        lock (gate)
        {
            if (stopping)
            {
                throw new IOException("The worker is stopping.");
            }

            if (running is { Ended.IsCompleted: true })
            {
                running.Socket.Dispose();
                running = null;
            }

            return running ??= HelperProcess.Start(options.PythonPath, script, loop, status =>
            {
                if (!stopping)
                {
                    NetworkLog.HelperEnded(logger, status);
                }
            });
        }
    }
}
