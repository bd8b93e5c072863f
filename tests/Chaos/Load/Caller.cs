using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FaasCluster.Chaos.Functions;
using FaasCluster.Contracts.Topology;

namespace FaasCluster.Chaos.Load;

/// <summary>Makes calls over HTTP and notes what came of them.</summary>
internal sealed class Caller(History history, string key) : IDisposable
{
    private readonly HttpClient http = new(new SocketsHttpHandler { MaxConnectionsPerServer = 256, ConnectTimeout = TimeSpan.FromSeconds(5) }) { Timeout = TimeSpan.FromSeconds(90) };
    private long next;

    public async Task<Call> CallAsync(TestFunction function, string gateway, bool isAsynchronous, Random random)
    {
        var nonce = $"{Interlocked.Increment(ref next)}-{random.Next():x8}";
        var bytes = new byte[random.Next(1, function.MostBytes)];
        random.NextBytes(bytes);
        var data = Convert.ToBase64String(bytes);
        var failures = function.MostFailures == int.MaxValue ? int.MaxValue : random.Next(function.MostFailures + 1);
        var call = new Call
        {
            Function = function.Name,
            IsAsynchronous = isAsynchronous,
            Nonce = nonce,
            Sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(data))),
            Failures = failures,
            Gateway = gateway,
            At = history.Now,
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{gateway}/api/functions/{function.Name}/invocations")
        {
            Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new { n = nonce, data, failures, ms = random.Next(function.MostMilliseconds) })),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (isAsynchronous)
        {
            request.Headers.Add("Prefer", "respond-async");
        }

        call = await SendAsync(call, request);
        call = call with { Took = history.Now - call.At };
        history.Add(call);
        return call;
    }

    public void Dispose() => http.Dispose();

    private async Task<Call> SendAsync(Call call, HttpRequestMessage request)
    {
        try
        {
            using var answer = await http.SendAsync(request);
            var body = await answer.Content.ReadAsByteArrayAsync();
            return Judge(
                call with
                {
                    Status = (int)answer.StatusCode,
                    Error = Header(answer, HeaderNames.Error),
                    Id = Guid.TryParse(Header(answer, HeaderNames.InvocationId), out var id) ? id : null,
                },
                answer,
                body);
        }
        catch (HttpRequestException exception)
        {
            var refused = exception.HttpRequestError is HttpRequestError.ConnectionError;
            return call with { Outcome = refused ? CallOutcome.Fail : CallOutcome.Unknown, Error = $"{exception.HttpRequestError}" };
        }
        catch (Exception exception) when (exception is TaskCanceledException or IOException)
        {
            return call with { Outcome = CallOutcome.Unknown, Error = exception.GetType().Name, Violation = exception is TaskCanceledException ? "no answer within 90 s" : null };
        }
    }

    private static Call Judge(Call call, HttpResponseMessage answer, byte[] body)
    {
        if (call.IsAsynchronous)
        {
            return call with { Outcome = call.Status == 202 ? CallOutcome.Ok : call.Status < 500 ? CallOutcome.Fail : CallOutcome.Unknown };
        }

        // Only a worker's answer says how its sandbox was started, and only one that is recorded says nothing about that.
        var fromWorker = Header(answer, HeaderNames.Start) is not null;
        var recorded = Header(answer, HeaderNames.Recorded) != "false";
        return call with
        {
            Outcome = fromWorker && recorded ? CallOutcome.Ok : call.Status is >= 400 and < 500 ? CallOutcome.Fail : CallOutcome.Unknown,
            Violation = call.Status == 200 ? Answers.Check(body, call.Nonce, call.Sha256)
                : call.Error is null ? $"{call.Status} without {HeaderNames.Error}"
                : null,
        };
    }

    private static string? Header(HttpResponseMessage answer, string name) => answer.Headers.TryGetValues(name, out var values) ? values.First() : null;
}
