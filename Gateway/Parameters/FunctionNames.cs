using FaasCluster.Contracts.Functions;
using FaasCluster.Gateway.Problems;

namespace FaasCluster.Gateway.Parameters;

/// <summary>Names of functions in routes.</summary>
internal static class FunctionNames
{
    /// <summary>400 if the name can be no function's; null if it can.</summary>
    public static ProblemAnswer? Refuse(string name) =>
        ManifestReader.IsFunctionName(name) ? null : ProblemAnswer.Invalid("name", Refusal(name));

    public static string Refusal(string name) =>
        $"'{Shown.Text(name)}' is no function name; expected 1 to 64 of a-z, 0-9 and '-', starting with a letter and ending with a letter or digit.";
}
