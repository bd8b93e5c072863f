using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace FaasCluster.Messaging.RabbitMq.Connections;

/// <summary>Keeps something going on a channel: opens one, lets it be used until it is gone, and begins again.</summary>
/// <param name="connection">Where the channels are opened.</param>
/// <param name="options">How they are opened.</param>
/// <param name="purpose">What for, in the log.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Where failures are logged.</param>
/// <param name="usual">AMQP's codes of errors that are part of the game and not logged.</param>
internal sealed class ChannelLoop(
    BrokerConnection connection, CreateChannelOptions options, string purpose, TimeProvider time, ILogger logger, params IReadOnlyList<int> usual)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Good = TimeSpan.FromSeconds(5);

    /// <summary>Loops until the token is cancelled.</summary>
    /// <param name="use">Uses the channel; returns when it is gone or of no more use. What it throws is logged.</param>
    /// <param name="cancellationToken">Ends the loop; the channel that is open then is closed.</param>
    public async Task RunAsync(Func<LiveChannel, CancellationToken, Task> use, CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        string? reported = null;
        while (!cancellationToken.IsCancellationRequested)
        {
            var began = time.GetTimestamp();
            LiveChannel? channel = null;
            try
            {
                var link = await connection.WhenConnectedAsync(cancellationToken);
                began = time.GetTimestamp();
                channel = await LiveChannel.OpenAsync(link, options, cancellationToken);
                await use(channel, cancellationToken);
                if (channel.Closed is { IsCompletedSuccessfully: true, Result: var reason } && link.IsOpen)
                {
                    Report(reason.ReplyCode, reason.ReplyText);
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception exception) when (exception is AlreadyClosedException or OperationInterruptedException or OperationCanceledException)
            {
                // The connection's own loss is logged by the connection.
                if (channel?.Link.IsOpen == true)
                {
                    Report((exception as OperationInterruptedException)?.ShutdownReason?.ReplyCode ?? 0, exception.Message);
                }
            }
            catch (Exception exception)
            {
                Log.ChannelFailed(logger, exception, purpose);
            }
            finally
            {
                if (channel is not null)
                {
                    await channel.DisposeAsync();
                }
            }

            // Something that fails at once every time must not spin, and something that worked for long is tried again soon.
            pause = time.GetElapsedTime(began) > Good ? FirstPause : pause;
            try
            {
                await Task.Delay(pause, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                break;
            }

            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }

        void Report(int code, string what)
        {
            if (reported != what && !usual.Contains(code))
            {
                reported = what;
                Log.ChannelLost(logger, purpose, what);
            }
        }
    }
}
