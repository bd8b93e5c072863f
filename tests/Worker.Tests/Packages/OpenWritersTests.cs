using FaasCluster.Worker.Packages;

namespace FaasCluster.Worker.Tests.Packages;

public sealed class OpenWritersTests
{
    [Fact]
    public async Task WhenGone_WhileAnybodyWrites_WaitsForTheEnd()
    {
        var file = Path.GetTempFileName();
        try
        {
            Task waiting;
            await using (new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
            {
                waiting = OpenWriters.WhenGoneAsync(file, TimeProvider.System, TestContext.Current.CancellationToken);
                Assert.False(waiting.IsCompleted);
            }

            await waiting.WaitAsync(TimeSpan.FromMinutes(1));
        }
        finally
        {
            File.Delete(file);
        }
    }
}
