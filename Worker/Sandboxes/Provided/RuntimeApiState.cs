namespace FaasCluster.Worker.Sandboxes.Provided;

/// <summary>
/// Where a runtime stands. The names are those that AWS's own implementation puts into its messages
/// (https://github.com/aws/aws-lambda-runtime-interface-emulator, core/states.go), as are the allowed transitions.
/// </summary>
internal enum RuntimeApiState
{
    /// <summary>From the start of the bootstrap. Left by the first "next" or by "init/error".</summary>
    Started,

    /// <summary>It said that it cannot start. Never left.</summary>
    InitError,

    /// <summary>It asked for an invocation. Left when it is handed one.</summary>
    Ready,

    /// <summary>It has an invocation. Left by the first byte of its answer.</summary>
    Running,

    /// <summary>Its answer is being read.</summary>
    InvocationResponse,

    /// <summary>Its error is being read.</summary>
    InvocationErrorResponse,

    /// <summary>It has answered. Left by the next "next".</summary>
    ResponseSent,
}
