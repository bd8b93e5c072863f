namespace FaasCluster.Messaging.Tests.Invocations;

/// <summary>Answers every call that comes, and counts them.</summary>
internal sealed class Responder
{
    private int _warm;
    private int _cold;

    public int Warm => Volatile.Read(ref _warm);

    public int Cold => Volatile.Read(ref _cold);

    public async ValueTask TakeAsync(IDelivery delivery)
    {
        Interlocked.Increment(ref delivery.IsCold ? ref _cold : ref _warm);
        await delivery.AckAsync();
        await delivery.SendReplyAsync(Messages.Answer(delivery));
    }
}
