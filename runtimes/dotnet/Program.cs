using FaasCluster.Runtime;

// The half of the dotnet runtime that lives inside the sandbox. See ../PROTOCOL.md.
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
if (Service.Load(load) is not { } handler)
{
    return 1;
}

while (true)
{
    Service.Answer(handler, load, Channel.Receive());
}
