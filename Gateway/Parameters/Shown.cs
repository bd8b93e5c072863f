namespace FaasCluster.Gateway.Parameters;

/// <summary>Text of a caller as it may be shown in a message: short, and without what would forge lines.</summary>
internal static class Shown
{
    private const int MaximumLength = 64;

    public static string Text(string value)
    {
        var safe = string.Concat(value.Take(MaximumLength).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return value.Length > MaximumLength ? safe + "..." : safe;
    }
}
