using System.Net;
using FaasCluster.Gateway.Dispatches;
using FaasCluster.Gateway.Dispatches.Callbacks;
using Microsoft.Extensions.Options;

namespace FaasCluster.Gateway.Tests.Dispatches;

public sealed class AddressGuardTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.255.255.255")]
    [InlineData("100.64.0.1")]
    [InlineData("127.0.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("172.31.0.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::10.0.0.1")]
    [InlineData("64:ff9b::a00:1")]
    [InlineData("fc00::1")]
    [InlineData("fe80::1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")]
    public void Allows_WhatIsNotOfThePublicInternet_IsFalse(string address) => Assert.False(Guard().Allows(IPAddress.Parse(address)));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("172.32.0.1")]
    [InlineData("192.167.255.255")]
    [InlineData("223.255.255.255")]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("::ffff:1.1.1.1")]
    public void Allows_WhatIsOfThePublicInternet_IsTrue(string address) => Assert.True(Guard().Allows(IPAddress.Parse(address)));

    [Fact]
    public void Allows_ANetworkThatTheOperatorAllowed_IsTrueForItAlone()
    {
        var guard = Guard("10.1.0.0/16", "::1/128");

        Assert.True(guard.Allows(IPAddress.Parse("10.1.2.3")));
        Assert.True(guard.Allows(IPAddress.Parse("::ffff:10.1.2.3")));
        Assert.True(guard.Allows(IPAddress.IPv6Loopback));
        Assert.False(guard.Allows(IPAddress.Parse("10.2.0.1")));
        Assert.False(guard.Allows(IPAddress.Loopback));
    }

    [Fact]
    public async Task Send_ToANameOfAPrivateAddress_ConnectsToNothing()
    {
        await using var receiver = await CallbackReceiver.StartAsync(200);
        using var client = new CallbackClient(Guard());
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://localhost:{receiver.Url.Port}/");

        var refused = await Assert.ThrowsAsync<CallbackRefusedException>(() => client.SendAsync(request, default));

        Assert.Contains("'localhost'", refused.Message);
        Assert.Empty(receiver.Taken);
    }

    [Fact]
    public async Task Send_ToANameOfAnAllowedAddress_Arrives()
    {
        await using var receiver = await CallbackReceiver.StartAsync(202);
        using var client = new CallbackClient(Guard("127.0.0.0/8"));
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://localhost:{receiver.Url.Port}/");

        var (status, _) = await client.SendAsync(request, default);

        Assert.Equal(HttpStatusCode.Accepted, status);
        Assert.Single(receiver.Taken);
    }

    private static AddressGuard Guard(params string[] allowed) => new(Options.Create(new DispatchOptions { AllowedNetworks = allowed }));
}
