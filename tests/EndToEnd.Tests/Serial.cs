// Each test starts processes and kills some of them: one at a time, or they would take each other's cores.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
