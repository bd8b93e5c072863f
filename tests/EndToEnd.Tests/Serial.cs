using Xunit.Sdk;
using Xunit.v3;

// Each test starts processes and kills some of them: one at a time, or they would take each other's cores.
[assembly: Parallelization(Mode = ParallelMode.None)]
