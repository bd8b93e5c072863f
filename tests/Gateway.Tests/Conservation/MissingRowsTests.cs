using FaasCluster.Gateway.Conservation;
using FaasCluster.Messaging;

namespace FaasCluster.Gateway.Tests.Conservation;

public sealed class MissingRowsTests
{
    private readonly Guid function = Guid.NewGuid();
    private readonly Guid other = Guid.NewGuid();
    private readonly MissingRows missing = new();

    [Fact]
    public void Add_RowsWithoutMessages_AreMissingFromTheThirdCountOn() => Assert.Equal([0, 0, 2, 2], [Add(5, 3), Add(4, 2), Add(7, 5), Add(6, 4)]);

    [Fact]
    public void Add_CountsThatOnlyLagBehind_MissNothing() => Assert.Equal([0, 0, 0, 0], [Add(5, 3), Add(5, 5), Add(5, 1), Add(5, 6)]);

    [Fact]
    public void Add_WhatIsHeldOrDead_IsNotMissing()
    {
        Add(5, 1, held: 2, dead: 2);
        Add(5, 1, held: 2, dead: 2);
        Assert.Equal(0, Add(5, 1, held: 2, dead: 2));
    }

    [Fact]
    public void Add_SurplusOfOneFunction_DoesNotHideTheLossOfAnother()
    {
        for (var i = 0; i < 2; i++)
        {
            AddTwo();
        }

        Assert.Equal(3, AddTwo());

        long AddTwo() => missing.Add(
            new Dictionary<Guid, long> { [function] = 3, [other] = 1 }, new QueueDepths(new Dictionary<Guid, long> { [other] = 50 }, 0), new Dictionary<Guid, long>());
    }

    [Fact]
    public void Add_LostRowsThatEnded_AreMissingNoMore()
    {
        Add(1, 0);
        Add(1, 0);
        Assert.Equal(1, Add(1, 0));
        Assert.Equal(0, missing.Add([], new QueueDepths(new Dictionary<Guid, long>(), 0), new Dictionary<Guid, long>()));
    }

    private long Add(long due, long ready, long held = 0, long dead = 0) => missing.Add(
        new Dictionary<Guid, long> { [function] = due },
        new QueueDepths(new Dictionary<Guid, long> { [function] = ready }, dead),
        new Dictionary<Guid, long> { [function] = held });
}
