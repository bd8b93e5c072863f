using System.Globalization;
using FaasCluster.Contracts.Functions;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.Network;

namespace FaasCluster.Worker.Sandboxes;

/// <summary>The environment variables of a function: its own, and what AWS Lambda and this platform say about it.</summary>
internal static class FunctionEnvironment
{
    public static Dictionary<string, string> Of(FunctionRevision revision)
    {
        var manifest = revision.Manifest;
        var memory = (manifest.MemoryBytes >> 20).ToString(CultureInfo.InvariantCulture);
        var number = revision.Revision.ToString(CultureInfo.InvariantCulture);

        // The user's first: what the platform says about the function stays true.
        return new Dictionary<string, string>(manifest.Environment)
        {
            ["FAAS_FUNCTION_NAME"] = manifest.Name,
            ["FAAS_FUNCTION_ID"] = revision.FunctionId.ToString("D", CultureInfo.InvariantCulture),
            ["FAAS_REVISION"] = number,
            ["FAAS_MEMORY_MB"] = memory,
            ["FAAS_ENDPOINT"] = GatewayRelay.Endpoint,
            ["AWS_LAMBDA_FUNCTION_NAME"] = manifest.Name,
            ["AWS_LAMBDA_FUNCTION_VERSION"] = number,
            ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = memory,
            ["AWS_LAMBDA_LOG_GROUP_NAME"] = $"/aws/lambda/{manifest.Name}",
            ["LAMBDA_TASK_ROOT"] = RootTree.TaskDirectory,
            ["_HANDLER"] = manifest.Handler,
        };
    }
}
