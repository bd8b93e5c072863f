using System.Security.Cryptography;
using FaasCluster.Contracts.Bus;
using FaasCluster.Contracts.Functions;
using FaasCluster.Messaging;
using FaasCluster.Storage.Functions;
using FaasCluster.Storage.Packages;

namespace FaasCluster.Gateway.Functions;

/// <summary>
/// Makes a revision that can be called. The steps stand in an order in which a crash leaves nothing but what the retention
/// collects (a package without a revision) or what heals by itself (a queue that the first message finds missing).
/// </summary>
internal sealed class Deployment(
    IPackageStore packages,
    IFunctionStore functions,
    IInvocationSender sender,
    IMessagingHealth messaging,
    IControlBus bus,
    FunctionCache cache,
    ILogger<Deployment> logger)
{
    /// <exception cref="MessagingUnavailableException">The broker is away; nothing was deployed.</exception>
    public async Task<FunctionRevision> DeployAsync(string accountId, FunctionManifest manifest, byte[] zip, CancellationToken cancellationToken)
    {
        // 1. Without a broker there is no queue; say so before anything is written.
        if (messaging.Problem is { } problem)
        {
            throw new MessagingUnavailableException(problem);
        }

        // 2. The package: nothing refers to it yet.
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(zip));
        await packages.PutAsync(sha256, zip, cancellationToken);

        // 3. The revision. From here on the caller's leaving must not stop it half-way.
        var revision = await functions.AddRevisionAsync(accountId, manifest, sha256, zip.Length, CancellationToken.None);

        // 4. The queue.
        try
        {
            await sender.DeclareFunctionAsync(revision.FunctionId, CancellationToken.None);
        }
        catch (MessagingUnavailableException exception) when (revision.Revision == 1)
        {
            await functions.DeleteAsync(accountId, manifest.Name, CancellationToken.None);
            Log.DeployTakenBack(logger, manifest.Name, exception.Message);
            throw;
        }

        // 5. Everybody hears of it, this gateway first.
        cache.Forget(accountId, manifest.Name);
        await bus.PublishAsync(
            new FunctionChanged { FunctionId = revision.FunctionId, AccountId = accountId, Name = manifest.Name, Revision = revision.Revision },
            CancellationToken.None);
        Log.Deployed(logger, manifest.Name, revision.Revision, manifest.Runtime, zip.Length, accountId);
        return revision;
    }
}
