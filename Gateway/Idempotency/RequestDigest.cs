using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Topology;
using FaasCluster.Gateway.Accounts;

namespace FaasCluster.Gateway.Idempotency;

/// <summary>What makes two requests the same: SHA-256 of what the function gets to see and of how it is called.</summary>
internal static class RequestDigest
{
    /// <summary>Of a request. Other header fields are left out: user agents and traces differ from try to try.</summary>
    public static string Of(HttpRequest request, InvocationMessage message)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, message.Kind.ToWire());
        Add(hash, message.Trigger.ToWire());
        Add(hash, message.Http?.Method);
        Add(hash, message.Http?.Path);
        Add(hash, message.Http?.Query);
        Add(hash, message.ContentType);
        Add(hash, request.Headers[HeaderNames.Delay].ToString());
        Add(hash, request.Headers[HeaderNames.At].ToString());
        Add(hash, message.Callback?.AbsoluteUri);
        hash.AppendData(message.Body.Span);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>
    /// Of a key. Callers without a key of the account are strangers to each other: what they authenticate themselves to the function with
    /// is part of theirs, so that nobody gets an answer that was meant for somebody else.
    /// </summary>
    public static string OfKey(HttpContext context, string key)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, key);
        if (context.FindAccountId() is null)
        {
            Add(hash, context.Request.Headers.Authorization.ToString());
            Add(hash, context.Request.Headers.Cookie.ToString());
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    // With its length, so that what ends one part cannot begin the next.
    private static void Add(IncrementalHash hash, string? text)
    {
        Span<byte> length = stackalloc byte[4];
        var bytes = text is null ? [] : Encoding.UTF8.GetBytes(text);
        BinaryPrimitives.WriteInt32BigEndian(length, text is null ? -1 : bytes.Length);
        hash.AppendData(length);
        hash.AppendData(bytes);
    }
}
