using FaasCluster.Worker.Tests;
using FaasCluster.Worker.Tests.Sandboxes;
using FaasCluster.Worker.Tests.Sandboxes.Attacks;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace FaasCluster.Worker.Tests;

/// <summary>Runs of other processes begin first, so that none is left alone at the end; the others come in any order.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
        [nameof(DelegatedUserTests), nameof(CrunTests), nameof(OrdinaryUserTests), nameof(UndefendedTests)];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(collection => Array.FindIndex(Longest, collection.TestCollectionDisplayName.Contains) is >= 0 and var place ? place : Longest.Length)];
}
