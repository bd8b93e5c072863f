using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes.DotNet;

/// <summary>Sandboxes, and a class library with handlers of every kind.</summary>
public sealed class DotNetFixture : SandboxFixture
{
    private const string Code = """
        namespace Amazon.Lambda.Core
        {
            public interface ILambdaLogger { void LogLine(string text); }
            public interface ILambdaContext { string AwsRequestId { get; } string FunctionName { get; } int MemoryLimitInMB { get; } TimeSpan RemainingTime { get; } ILambdaLogger Logger { get; } object ClientContext { get; } }
        }
        namespace Tests
        {
            using Amazon.Lambda.Core;
            using System.Text.Json;
            public record Person(string Name, int Age, List<string> Tags);
            public class NoRetry(string message) : Exception(message) { public bool DoNotRetry => true; }
            public class Broken { static Broken() { throw new InvalidOperationException("no settings"); } public string Run() => ""; }
            public class BrokenConstructor { public BrokenConstructor() { throw new InvalidOperationException("no database"); } public string Run() => ""; }
            public class Handlers
            {
                private int calls;
                public Person Birthday(Person person) => person with { Age = person.Age + 1 };
                public async Task<Person> BirthdayLater(Person person) { await Task.Delay(1); return Birthday(person); }
                public async ValueTask<int> Count() { await Task.Yield(); return ++calls; }
                public static async Task Nothing(JsonElement any) => await Task.Yield();
                public static ValueTask NothingEither() => ValueTask.CompletedTask;
                public static Stream Echo(Stream input) { var copy = new MemoryStream(); input.CopyTo(copy); return copy; }
                public static async Task<Stream> EchoLater(Stream input) { await Task.Yield(); return Echo(input); }
                public static string Text(string text) => text + "!";
                public static object Context(JsonElement any, ILambdaContext context) { context.Logger.LogLine("logged"); return new { context.FunctionName, context.MemoryLimitInMB, left = context.RemainingTime.TotalSeconds > 1, context.ClientContext, context.AwsRequestId.Length }; }
                public static object OnlyContext(ILambdaContext context) => context.FunctionName;
                public static void Print() { Console.WriteLine("out"); Console.Error.WriteLine("error"); Console.Write("rest"); }
                public static void Fail(Person person) { Inner(person); }
                private static void Inner(Person person) => throw new ArgumentException("no such " + person.Name);
                public static async Task FailLater() { await Task.Yield(); throw new NoRetry("later"); }
                public static string Environment() => System.Environment.GetEnvironmentVariable("OWN") + System.Environment.GetEnvironmentVariable("FAAS_FUNCTION_NAME") + System.Environment.CurrentDirectory;
                public static int Exit() { System.Environment.Exit(3); return 0; }
                public static string Large() => new string('x', 7 << 20);
                public static void Forever() { while (true) { } }
                public static long Memory() { var all = new List<byte[]>(); while (true) { all.Add(new byte[1 << 20]); Array.Fill(all[^1], (byte)1); } }
                public static long Garbage() { var sum = 0L; for (var i = 0; i < 2000; i++) { var piece = new byte[1 << 20]; Array.Fill(piece, (byte)1); sum += piece.Length; } return sum >> 20; }
                public static string Two(int a, int b, int c) => "";
                public static string Same() => "";
                public static string Same(string text) => text;
                public static string Framework() => typeof(Handlers).Assembly.GetName().Name + " " + AppContext.BaseDirectory + " " + System.Environment.Version.Major;
            }
        }
        """;

    private byte[] package = [];

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        package = PackageBuilder.FromDirectory(await DotNetProject.PublishCodeAsync(Code, Root), (_, _) => false);
    }

    internal FunctionRevision Method(string method, Func<FunctionManifest, FunctionManifest>? with = null, string type = "Handlers") =>
        Deploy(RuntimeIds.DotNet, $"Code::Tests.{type}::{method}", package, with);
}
