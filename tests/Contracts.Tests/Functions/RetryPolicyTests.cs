using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Tests.Functions;

public sealed class RetryPolicyTests
{
    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 20)]
    [InlineData(3, 20)]
    [InlineData(11, 20)]
    public void BackoffAfter_Attempt_IsItsOwnOrTheLast(int attempt, int seconds)
    {
        var policy = new RetryPolicy { Backoff = [TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20)] };

        Assert.Equal(TimeSpan.FromSeconds(seconds), policy.BackoffAfter(attempt));
    }
}
