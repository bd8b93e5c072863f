using Xunit.Sdk;
using Xunit.v3;

// Two classes at a time: most of a test is waiting for processes. Those in the collection below run after the others, alone.
[assembly: Parallelization(Mode = ParallelMode.Collections, MaxThreads = 2)]

namespace FaasCluster.EndToEnd.Tests;

/// <summary>Tests that kill processes and say how long others may take to notice: nothing may take their cores.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Serial
{
    /// <summary>Its name.</summary>
    public const string Name = "serial";
}
