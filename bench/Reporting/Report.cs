using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FaasCluster.Bench.Reporting;

/// <summary>Collects what every round measured; prints it, and writes it as JSON.</summary>
internal sealed class Report
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly List<string> names = [];
    private readonly Dictionary<string, (string Unit, string Section, List<double> Rounds)> measured = [];
    private readonly Dictionary<string, double> overall = [];
    private readonly Dictionary<string, object> facts = [];
    private string section = "";

    /// <summary>What follows belongs under this heading.</summary>
    public void Begin(string heading) => section = heading;

    /// <summary>Something about the machine or the run that every figure needs beside it.</summary>
    public void Fact(string name, object value) => facts[name] = value;

    /// <summary>Adds this round's value.</summary>
    public void Figure(string name, string unit, double value)
    {
        if (!measured.TryGetValue(name, out var series))
        {
            measured[name] = series = (unit, section, []);
            names.Add(name);
        }

        series.Rounds.Add(value);
    }

    /// <summary>Adds this round's value of one thing over another.</summary>
    public void Ratio(string name, double value, double against) => Figure(name, "ratio", value / against);

    /// <summary>What the samples of all rounds together say.</summary>
    public void Overall(string name, double value) => overall[name] = value;

    public void Print(TextWriter output)
    {
        foreach (var (name, value) in facts)
        {
            output.WriteLine($"{name,-34} {value}");
        }

        foreach (var group in names.GroupBy(name => measured[name].Section))
        {
            output.WriteLine();
            output.WriteLine(group.Key);
            output.WriteLine($"  {"",-34} {"min",10} {"median",10} {"max",10} {"all",10}");
            foreach (var name in group)
            {
                var series = SeriesOf(name);
                output.WriteLine(
                    $"  {name,-34} {Show(series.Min),10} {Show(series.Median),10} {Show(series.Max),10} {(series.Overall is { } all ? Show(all) : ""),10} {series.Unit}");
            }
        }
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            facts,
            ratios = Select(unit => unit == "ratio"),
            figures = Select(unit => unit != "ratio"),
        },
        Json);

    private Dictionary<string, Series> Select(Func<string, bool> unit) =>
        names.Where(name => unit(measured[name].Unit)).ToDictionary(name => name, SeriesOf);

    private Series SeriesOf(string name) =>
        Series.Of(measured[name].Unit, measured[name].Rounds, overall.TryGetValue(name, out var all) ? all : null);

    private static string Show(double value) => value.ToString(
        Math.Abs(value) switch { >= 1000 => "N0", >= 100 => "F0", >= 10 => "F1", >= 1 => "F2", _ => "F3" }, CultureInfo.InvariantCulture);
}
