using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using FaasCluster.Contracts.Api;
using FaasCluster.Contracts.Bus;

namespace FaasCluster.Contracts.Tests;

/// <summary>
/// Messages and documents as they once went over the wire. These files are never changed: nodes of two versions talk to each other
/// during an upgrade, and commands outlive gateways. A new property is optional, and gets a new file if it wants a test.
/// </summary>
public sealed class GoldenTests
{
    private static readonly Type[] Messages =
    [
        typeof(FunctionChanged), typeof(FunctionWarmed), typeof(FunctionCooled), typeof(WorkerHeartbeat), typeof(InvocationCancelled), typeof(CancellationRequested),
        typeof(SlotWanted),
    ];

    private static readonly Type[] Documents =
    [
        typeof(Problem), typeof(AcceptedDescription), typeof(FunctionDescription), typeof(InvocationDescription), typeof(LogLineDescription),
        typeof(UsageReport), typeof(ClusterStatus),
    ];

    public static TheoryData<string> Names => [.. Messages.Concat(Documents).Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Golden_Replayed_SaysTheSame(string name)
    {
        var (type, options) = Find(name);
        var golden = Read(name);

        var read = JsonSerializer.Deserialize(golden, type, options);

        Assert.True(JsonNode.DeepEquals(golden, JsonSerializer.SerializeToNode(read, type, options)), JsonSerializer.Serialize(read, type, options));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Golden_FromALaterVersion_IsStillRead(string name)
    {
        var (type, options) = Find(name);
        var golden = Read(name);
        golden["aPropertyOfALaterVersion"] = new JsonObject { ["nested"] = 1 };

        Assert.NotNull(JsonSerializer.Deserialize(golden, type, options));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Golden_WithoutWhatIsOptional_IsStillRead(string name)
    {
        var (type, options) = Find(name);
        var golden = Read(name);
        foreach (var property in type.GetProperties().Where(property => property.GetCustomAttribute<System.Runtime.CompilerServices.RequiredMemberAttribute>() is null))
        {
            golden.Remove(JsonNamingPolicy.CamelCase.ConvertName(property.Name));
        }

        Assert.NotNull(JsonSerializer.Deserialize(golden, type, options));
    }

    [Fact]
    public void Messages_OfTheControlBus_AllHaveAFile() => Assert.Equal(
        typeof(FunctionChanged).Assembly.GetTypes().Where(type => type.Namespace == typeof(FunctionChanged).Namespace && type.IsPublic).Select(type => type.Name).Order(),
        Messages.Select(type => type.Name).Order());

    // The control bus serialises like this too: camelCase, nulls as they come.
    private static (Type Type, JsonSerializerOptions Options) Find(string name) => Messages.FirstOrDefault(type => type.Name == name) is { } message
        ? (message, JsonSerializerOptions.Web)
        : (Documents.First(type => type.Name == name), ApiJson.Default.Options);

    private static JsonObject Read(string name) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", $"{name}.json")))!.AsObject();
}
