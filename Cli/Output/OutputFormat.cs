using System.CommandLine;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FaasCluster.Contracts.Api;

namespace FaasCluster.Cli.Output;

/// <summary>The option <c>-o table|json</c> and the JSON behind it: the documents of the API as they are.</summary>
internal static class OutputFormat
{
    // Not for HTML: "<" and "ä" stay readable.
    private static readonly ApiJson Readable = new(new JsonSerializerOptions(ApiJson.Default.Options)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        TypeInfoResolver = null,
    });

    public static Option<string> CreateOption()
    {
        var option = new Option<string>("--output", "-o")
        {
            Description = "How to print it: table or json",
            HelpName = "table|json",
            DefaultValueFactory = _ => "table",
        };
        option.AcceptOnlyFromAmong("table", "json");
        return option;
    }

    public static void WriteJson<T>(Terminal terminal, T document)
    {
        terminal.Output.WriteLine(JsonSerializer.Serialize(document, (JsonTypeInfo<T>)Readable.GetTypeInfo(typeof(T))!));
    }
}
