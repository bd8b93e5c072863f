using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Gateway.Accounts;

/// <summary>Finds the key of a request.</summary>
internal static class ApiKey
{
    /// <summary>The longest key that is looked at.</summary>
    public const int MaximumLength = 200;

    /// <summary>
    /// The key and the header that carried it. <c>Faas-Key</c> wins, so that a function may have an <c>Authorization</c> of its own.
    /// </summary>
    public static bool TryRead(IHeaderDictionary headers, out string key, out string header)
    {
        header = HeaderNames.ApiKey;
        key = headers[HeaderNames.ApiKey].ToString();
        if (key.Length > 0)
        {
            return true;
        }

        header = "Authorization";
        var authorization = headers.Authorization.ToString();
        if (authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            key = authorization[7..].Trim();
        }
        else if (authorization.StartsWith("Basic ", StringComparison.OrdinalIgnoreCase))
        {
            key = Password(authorization.AsSpan(6).Trim());
        }

        return key.Length > 0;
    }

    /// <summary>SHA-256 of the key: all that is ever stored, cached or compared.</summary>
    public static KeyDigest Digest(string key)
    {
        Span<byte> bytes = stackalloc byte[MaximumLength * 3];
        Span<byte> hash = stackalloc byte[32];
        var length = Encoding.UTF8.GetBytes(key, bytes);
        SHA256.HashData(bytes[..length], hash);
        CryptographicOperations.ZeroMemory(bytes[..length]);
        return MemoryMarshal.Read<KeyDigest>(hash);
    }

    private static string Password(ReadOnlySpan<char> base64)
    {
        Span<byte> bytes = stackalloc byte[1024];
        if (base64.Length > 1024 || !Convert.TryFromBase64Chars(base64, bytes, out var length))
        {
            return "";
        }

        var colon = bytes[..length].IndexOf((byte)':');
        return colon < 0 ? "" : Encoding.UTF8.GetString(bytes[(colon + 1)..length]);
    }
}

/// <summary>
/// The SHA-256 of a key. Look-ups go by it, so how long one takes depends on a hash that a guesser cannot steer, not on the key.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct KeyDigest(ulong A, ulong B, ulong C, ulong D)
{
    /// <summary>64 lower-case hex digits.</summary>
    public string ToHex()
    {
        var self = this;
        return Convert.ToHexStringLower(MemoryMarshal.AsBytes(new Span<KeyDigest>(ref self)));
    }
}
