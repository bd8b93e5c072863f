using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FaasCluster.Storage.Tests;

public sealed class StorageOptionsTests
{
    [Fact]
    public void Postgres_WinsOverTheDataDirectory()
    {
        var options = Read(("ConnectionStrings:Postgres", "Host=db"), ("Data:Directory", "/data"), ("Storage:BatchLimit", "7"), ("Storage:Retention", "2.00:00:00"));

        Assert.Equal("Host=db", options.ConnectionString);
        Assert.Equal(7, options.BatchLimit);
        Assert.Equal(TimeSpan.FromDays(2), options.Retention);
        Assert.Equal(TimeSpan.FromDays(1), options.PartitionSpan);
    }

    [Fact]
    public void NoPostgres_IsTheDataDirectory()
    {
        var options = Read(("Data:Directory", "/data"));

        Assert.Null(options.ConnectionString);
        Assert.Equal("/data", options.DataDirectory);
    }

    [Theory]
    [InlineData("ConnectionStrings:Postgres", " ", "ConnectionStrings:Postgres is empty")]
    [InlineData("Data:Directory", "", "There is no store")]
    [InlineData("Storage:BatchLimit", "0", "BatchLimit")]
    [InlineData("Storage:PendingLimit", "99", "PendingLimit")]
    [InlineData("Storage:Retention", "00:30:00", "Retention")]
    [InlineData("Storage:PartitionSpan", "32.00:00:00", "PartitionSpan")]
    public void BadValue_IsRefusedByItsName(string key, string value, string message)
    {
        var exception = Assert.Throws<OptionsValidationException>(() => Read(("Data:Directory", "/data"), (key, value)));

        Assert.Contains(message, exception.Message);
    }

    [Fact]
    public void AddStorage_Twice_RegistersOnce()
    {
        var services = new ServiceCollection();
        var configuration = new ConfigurationBuilder().Build();

        services.AddStorage(configuration);
        var count = services.Count;
        services.AddStorage(configuration);

        Assert.Equal(count, services.Count);
    }

    private static StorageOptions Read(params (string Key, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder();
        foreach (var (key, value) in settings)
        {
            configuration.AddInMemoryCollection([KeyValuePair.Create(key, (string?)value)]);
        }

        return new ServiceCollection().AddStorage(configuration.Build()).BuildServiceProvider().GetRequiredService<IOptions<StorageOptions>>().Value;
    }
}
