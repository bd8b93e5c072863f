using FaasCluster.Messaging.RabbitMq.Connections;

namespace FaasCluster.Messaging.Tests.RabbitMq;

public sealed class BrokerAddressesTests
{
    [Fact]
    public void Parse_OfSeveralUris_NamesEveryNode()
    {
        var addresses = BrokerAddresses.Parse("amqp://faas:a,b@one:5672/, amqp://faas:a,b@two:5673/,amqp://faas:a,b@three/");

        Assert.Equal([("one", 5672), ("two", 5673), ("three", 5672)], addresses.All.Select(address => (address.Host, (int)address.Port)));
        Assert.All(addresses.All, address => Assert.Equal("a,b", address.Password));
        Assert.Equal("amqp://one:5672/%2F or amqp://two:5673/%2F or amqp://three:5672/%2F", $"{addresses}");
    }

    [Theory]
    [InlineData("amqp://faas:secret@one/,amqp://other:secret@two/", "differ in more than host and port")]
    [InlineData("amqp://faas:secret@one/,amqp://faas:secret@two/vhost", "differ in more than host and port")]
    [InlineData("amqp://faas:secret@one/,amqp://two", "names no user and password")]
    [InlineData("http://faas:secret@one/", "no AMQP URI")]
    public void TryParse_OfNodesThatAreNoneOfOneBroker_SaysWhatIsWrong(string text, string wanted)
    {
        Assert.False(BrokerAddresses.TryParse(text, out _, out var problem));
        Assert.Contains(wanted, problem);
        Assert.DoesNotContain("secret", problem);
    }
}
