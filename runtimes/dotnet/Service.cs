using System.Text.Json;

namespace FaasCluster.Runtime;

/// <summary>The life of a sandbox: load once, then one invocation after the other.</summary>
internal static class Service
{
    private const int MostResultBytes = (6 << 20) + 100;
    private const string TaskDirectory = "/var/task";

    /// <summary>Loads what the worker says; null if it cannot be loaded, which the worker has been told.</summary>
    public static Handler? Load(JsonElement load)
    {
        Handler handler;
        try
        {
            Prepare(load);
            handler = Handler.Load(TaskDirectory, load.GetProperty("handler").GetString()!);
        }
        catch (Exception exception)
        {
            Flush();
            Channel.Send(FrameType.InitError, Errors.Describe(exception, null), []);
            return null;
        }

        Flush();
        Channel.Send(FrameType.Loaded, """{"signature":"event"}"""u8, []);
        return handler;
    }

    /// <summary>Answers one invocation.</summary>
    public static void Answer(Handler handler, JsonElement load, Frame frame)
    {
        var header = frame.ReadHeader();
        var id = header.GetProperty("id").GetString()!;
        try
        {
            var body = handler.Invoke(frame.Body, new InvocationContext(load, header));
            Flush();
            if (body.Length > MostResultBytes)
            {
                Channel.Send(FrameType.Error, JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object>
                {
                    ["id"] = id,
                    ["tooLarge"] = true,
                    ["message"] = $"The answer has {body.Length} bytes; at most {MostResultBytes} are allowed",
                }), []);
            }
            else
            {
                Channel.Send(FrameType.Result, JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { ["id"] = id }), body);
            }
        }
        catch (Exception exception)
        {
            Flush();
            Channel.Send(FrameType.Error, Errors.Describe(exception, id), []);
        }
    }

    private static void Prepare(JsonElement load)
    {
        foreach (var variable in load.GetProperty("env").EnumerateObject())
        {
            Environment.SetEnvironmentVariable(variable.Name, variable.Value.GetString());
        }

        TimeZoneInfo.ClearCachedData();
        try
        {
            // The collector cannot see the limit of the sandbox, which was set after it started: it would let garbage grow until the kernel
            // ends the process. As in a container, three quarters are for its heap.
            AppContext.SetData("GCHeapHardLimit", (ulong)load.GetProperty("memoryMb").GetInt64() * (3UL << 18));
            GC.RefreshMemoryLimit();
        }
        catch (InvalidOperationException)
        {
            // Too small for what is in use already; then the kernel's limit is the only one.
        }
    }

    private static void Flush()
    {
        try
        {
            Console.Out.Flush();
            Console.Error.Flush();
        }
        catch (Exception)
        {
            // The user may have closed or replaced it.
        }
    }
}
