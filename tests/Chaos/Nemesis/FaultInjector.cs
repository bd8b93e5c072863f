using FaasCluster.Chaos.Load;

namespace FaasCluster.Chaos.Nemesis;

/// <summary>
/// Injects one fault after the other until the time is over: every kind once in an order that the seed decides, then every kind again.
/// Each is over, and the platform whole again, before the next one begins.
/// </summary>
internal sealed class FaultInjector(IReadOnlyList<FaultKind> kinds, FaultScene scene, RecoveryProbe probe, History history, TextWriter output)
{
    private static readonly TimeSpan LongestCalm = TimeSpan.FromSeconds(3);
    private const int MostUnconfirmed = 5;
    private readonly List<InjectedFault> faults = [];

    /// <summary>Those that took effect.</summary>
    public IReadOnlyList<InjectedFault> Faults => faults;

    /// <summary>Those that did not, and count for nothing.</summary>
    public int Unconfirmed { get; private set; }

    /// <summary>Goes on until it is so late and so many faults took effect: a busy machine is slow to recover.</summary>
    public async Task RunAsync(TimeSpan until, int least, CancellationToken cancellationToken)
    {
        var deck = new Queue<FaultKind>();
        while ((history.Now < until || (faults.Count < least && Unconfirmed < MostUnconfirmed)) && !cancellationToken.IsCancellationRequested)
        {
            if (deck.Count == 0)
            {
                var shuffled = kinds.ToArray();
                scene.Random.Shuffle(shuffled);
                deck = new Queue<FaultKind>(shuffled);
            }

            await InjectAsync(deck.Dequeue());
            await Task.Delay(LongestCalm * scene.Random.NextDouble(), CancellationToken.None);
        }
    }

    private async Task InjectAsync(FaultKind kind)
    {
        var at = history.Now;
        scene.Begin();
        try
        {
            await kind.InjectAsync(scene);
        }
        catch (FaultNotConfirmedException exception)
        {
            Unconfirmed++;
            await SayAsync(at, $"{kind.Name,-55} does not count: {exception.Message}");
            return;
        }

        try
        {
            await probe.WhenWholeAsync();
        }
        catch (Xunit.Sdk.XunitException exception)
        {
            scene.Findings.Add("recovery", $"after '{kind.Name}' at {at.TotalSeconds:0.0} s: {exception.Message}");
        }

        var fault = new InjectedFault(kind.Name, at, (scene.WholeAt ?? history.Now) - scene.HealedAt);
        faults.Add(fault);
        await SayAsync(at, $"{kind.Name,-55} recovered in {fault.Recovery.TotalSeconds:0.00} s");
    }

    private async Task SayAsync(TimeSpan at, string text)
    {
        await output.WriteLineAsync($"{at.TotalSeconds,7:0.0} s  {text}");
        await output.FlushAsync(CancellationToken.None);
    }
}
