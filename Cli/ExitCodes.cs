using FaasCluster.Contracts.Invocations;

namespace FaasCluster.Cli;

/// <summary>What the process answers to the shell. Scripts depend on these: they never change their meaning.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>The function ran and failed, or an invocation that was waited for did not succeed.</summary>
    public const int FunctionFailed = 1;

    /// <summary>The command or what it sent is wrong: repeating it as it is cannot help.</summary>
    public const int Usage = 2;

    /// <summary>The cluster cannot be reached or cannot serve at the moment: repeating it later may help.</summary>
    public const int Unreachable = 3;

    /// <summary>No key, a wrong one, or one that does not allow this.</summary>
    public const int NotAllowed = 4;

    /// <summary>Ended by Ctrl+C, as shells have it.</summary>
    public const int Interrupted = 130;

    /// <summary>The exit code for an error that the cluster answered.</summary>
    public static int For(ErrorCode code) => code switch
    {
        ErrorCode.Unauthorized or ErrorCode.Forbidden => NotAllowed,
        ErrorCode.Throttled or ErrorCode.QueueFull => Unreachable,
        ErrorCode.Cancelled or ErrorCode.FunctionDeleted or ErrorCode.Expired => FunctionFailed,
        _ => code.Describe().Fault switch
        {
            Fault.Function => FunctionFailed,
            Fault.Caller => Usage,
            _ => Unreachable,
        },
    };
}
