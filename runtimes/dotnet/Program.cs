using System.Text.Json;
using FaasCluster.Runtime;

// The half of the dotnet runtime that lives inside the sandbox. See ../PROTOCOL.md.
const int MostResultBytes = (6 << 20) + 100;
const string TaskDirectory = "/var/task";

_ = new Channel();
try
{
    Rehearsal.Run();
}
catch (Exception exception)
{
    // It makes starts fast and nothing else.
    Console.Error.WriteLine($"The rehearsal failed: {exception.Message}");
}

Channel.Send(FrameType.Ready, [], []);
var load = Channel.Receive().ReadHeader();
Handler handler;
try
{
    Prepare();
    handler = Handler.Load(TaskDirectory, load.GetProperty("handler").GetString()!);
}
catch (Exception exception)
{
    Flush();
    Channel.Send(FrameType.InitError, Errors.Describe(exception, null), []);
    return 1;
}

Flush();
Channel.Send(FrameType.Loaded, """{"signature":"event"}"""u8, []);
while (true)
{
    var frame = Channel.Receive();
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

void Prepare()
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

static void Flush()
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
