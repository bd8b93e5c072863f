namespace FaasCluster.Testing;

/// <summary>
/// The private servers that ./test started. Without them tests skip on a developer's machine and fail in CI: a missing
/// server must never look like a passing test.
/// </summary>
public static class TestServers
{
    /// <summary>Npgsql connection string of a server on which the user may create databases.</summary>
    public static string Postgres => Require("FAAS_TEST_POSTGRES");

    /// <summary>AMQP URI of a broker, root virtual host. Tests take a virtual host of their own: <see cref="BrokerVirtualHost"/>.</summary>
    public static string RabbitMq => Require("FAAS_TEST_RABBITMQ");

    /// <summary>The directory of that broker, for <c>deploy/local/rabbitmq</c>.</summary>
    public static string RabbitMqDirectory => Require("FAAS_TEST_RABBITMQ_DIR");

    /// <summary>The value of an environment variable that ./test sets; skips the test without it, or fails it in CI.</summary>
    public static string Require(string variable)
    {
        var value = Environment.GetEnvironmentVariable(variable);
        if (!string.IsNullOrEmpty(value))
        {
            return value;
        }

        var message = $"{variable} is not set; run ./test, which starts the servers.";
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
        {
            Assert.Fail(message);
        }

        Assert.Skip(message);
        return "";
    }
}
