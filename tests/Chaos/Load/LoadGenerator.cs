using FaasCluster.Chaos.Functions;

namespace FaasCluster.Chaos.Load;

/// <summary>Callers that go on calling until they are stopped, each at a gateway of its choice.</summary>
internal sealed class LoadGenerator(Caller caller, IReadOnlyList<string> gateways, int seed, int perSecond)
{
    private const int AsynchronousCallers = 20;
    private const int SynchronousCallers = 10;
    private static readonly TimeSpan OutagePause = TimeSpan.FromMilliseconds(400);

    private readonly Pace pace = new(perSecond);
    private int quietCalls;
    private volatile bool leaveQuietAlone;

    public Task RunAsync(CancellationToken cancellationToken) => Task.WhenAll(
        Enumerable.Range(0, AsynchronousCallers + SynchronousCallers)
            .Select(number => Task.Run(() => CallOnAsync(number < AsynchronousCallers, new Random(unchecked((seed * 1_000_003) + number)), cancellationToken), CancellationToken.None)));

    /// <summary>Stops calls of the function <see cref="TestFunctions.Quiet"/>; returns when none is under way.</summary>
    public async Task LeaveQuietAloneAsync()
    {
        leaveQuietAlone = true;
        await Until.TrueAsync(() => Volatile.Read(ref quietCalls) == 0, "nobody calls the quiet function", TimeSpan.FromSeconds(100));
    }

    public void CallQuietAgain() => leaveQuietAlone = false;

    private async Task CallOnAsync(bool isAsynchronous, Random random, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var function = Choose(isAsynchronous, random);
            var quiet = function.Name == TestFunctions.Quiet;
            if (quiet)
            {
                // Counted before it is looked at: whoever waits for zero sees this call or is seen by it.
                Interlocked.Increment(ref quietCalls);
            }

            var outcome = CallOutcome.Ok;
            if (!quiet || !leaveQuietAlone)
            {
                outcome = (await caller.CallAsync(function, gateways[random.Next(gateways.Count)], isAsynchronous, random)).Outcome;
            }

            if (quiet)
            {
                Interlocked.Decrement(ref quietCalls);
            }

            try
            {
                await pace.WhenTurnAsync(cancellationToken);
                if (outcome != CallOutcome.Ok)
                {
                    await Task.Delay(OutagePause * random.NextDouble(), cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static TestFunction Choose(bool isAsynchronous, Random random)
    {
        var functions = TestFunctions.All;
        var at = random.Next(functions.Sum(Share));
        return functions.First(function => (at -= Share(function)) < 0);

        int Share(TestFunction function) => isAsynchronous ? function.AsynchronousShare : function.SynchronousShare;
    }
}
