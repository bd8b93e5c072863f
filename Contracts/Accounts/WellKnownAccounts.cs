namespace FaasCluster.Contracts.Accounts;

/// <summary>Accounts that exist in every installation.</summary>
public static class WellKnownAccounts
{
    /// <summary>The one account of the embedded mode, and the first of a cluster.</summary>
    public const string Default = "default";
}
