#if FAULTS
using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Messaging;
using FaasCluster.Messaging.Hosting;

namespace FaasCluster.Worker.Execution;

/// <summary>
/// Deliberate mistakes and witnesses, compiled in only by <c>-p:Faults=true</c>: a test that shows what a promise rests on builds a
/// worker with them and must see it broken.
/// </summary>
internal static class Faults
{
    private static readonly bool AcknowledgeFirst = Environment.GetEnvironmentVariable("FAAS_FAULT") == "acknowledge-first";
    private static readonly FileStream? Executions = Open(Environment.GetEnvironmentVariable("FAAS_EXECUTIONS"));

    /// <summary>
    /// Notes that the function is about to get an event: a line in the file named by FAAS_EXECUTIONS, written by one system call, so
    /// that a kill of the worker does not take it back.
    /// </summary>
    public static void Executing(InvocationMessage message)
    {
        if (Executions is not null)
        {
            lock (Executions)
            {
                Executions.Write(Encoding.ASCII.GetBytes($"{message.InvocationId:D} {message.Attempt}\n"));
            }
        }
    }

    /// <summary>Acknowledges before the commit, and leaves time for a kill between the two.</summary>
    public static async Task BeforeCommitAsync(IDelivery delivery, InvocationMessage message, TimeProvider time)
    {
        CrashPoint.Pass("after-run");
        if (AcknowledgeFirst)
        {
            await delivery.AckAsync();

            // It has left this process by then.
            await Task.Delay(TimeSpan.FromMilliseconds(200), time);
            if (message.Kind == InvocationKind.Asynchronous)
            {
                CrashPoint.Pass("after-acknowledgement");
            }
        }
    }

    /// <summary>The record is committed, the delivery is not acknowledged.</summary>
    public static void AfterCommit() => CrashPoint.Pass("after-commit");

    // Unbuffered: a line that waits in this process is lost with it.
    private static FileStream? Open(string? path) =>
        string.IsNullOrEmpty(path) ? null : new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
}
#endif
