using System.Text;
using System.Text.Json;
using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Worker.Execution;

namespace FaasCluster.Worker.Tests.Execution;

public sealed class HttpV2Tests
{
    [Fact]
    public void Event_HasTheFormOfPayload2()
    {
        using var json = JsonDocument.Parse(Build("q=1&q=2&e=a%20b+c&flag", "hellö"u8.ToArray(), "text/plain; charset=utf-8", ("x-one", "1"), ("x-one", "2"), ("cookie", "a=1; b=2"), ("user-agent", "curl")));
        var root = json.RootElement;
        Assert.Equal("2.0", root.GetProperty("version").GetString());
        Assert.Equal("$default", root.GetProperty("routeKey").GetString());
        Assert.Equal("/a%20b", root.GetProperty("rawPath").GetString());
        Assert.Equal("q=1&q=2&e=a%20b+c&flag", root.GetProperty("rawQueryString").GetString());
        Assert.Equal("""["a=1","b=2"]""", root.GetProperty("cookies").GetRawText());
        Assert.Equal("""{"x-one":"1,2","user-agent":"curl"}""", root.GetProperty("headers").GetRawText());
        Assert.Equal("""{"q":"1,2","e":"a b c","flag":""}""", root.GetProperty("queryStringParameters").GetRawText());
        Assert.Equal("hellö", root.GetProperty("body").GetString());
        Assert.False(root.GetProperty("isBase64Encoded").GetBoolean());
        var context = root.GetProperty("requestContext");
        Assert.Equal("anonymous", context.GetProperty("accountId").GetString());
        Assert.Equal("12/Mar/2020:19:03:58 +0000", context.GetProperty("time").GetString());
        Assert.Equal(1584039838000, context.GetProperty("timeEpoch").GetInt64());
        Assert.Equal("""{"method":"POST","path":"/a%20b","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"curl"}""", context.GetProperty("http").GetRawText());
    }

    [Theory]
    [InlineData("image/png", true)]
    [InlineData("multipart/form-data; boundary=x", true)]
    [InlineData("application/x-www-form-urlencoded", true)]
    [InlineData(null, true)]
    [InlineData("application/json", false)]
    [InlineData("application/problem+json", false)]
    public void Event_BodyIsBase64_UnlessItIsText(string? contentType, bool isBase64)
    {
        using var json = JsonDocument.Parse(Build("", "x"u8.ToArray(), contentType));
        Assert.Equal(isBase64, json.RootElement.GetProperty("isBase64Encoded").GetBoolean());
        Assert.Equal(isBase64 ? "eA==" : "x", json.RootElement.GetProperty("body").GetString());
    }

    [Fact]
    public void Event_TextThatIsNotUtf8_IsBase64()
    {
        using var json = JsonDocument.Parse(Build("", [0xFF], "text/plain"));
        Assert.Equal("/w==", json.RootElement.GetProperty("body").GetString());
    }

    [Theory]
    [InlineData("""{"statusCode":201,"body":"x"}""", 201, "application/json", "x")]
    [InlineData("""{"statusCode":"418","headers":{"content-type":"text/tea"},"body":"x"}""", 418, "text/tea", "x")]
    [InlineData("""{"statusCode":200,"body":"eA==","isBase64Encoded":true}""", 200, "application/json", "x")]
    [InlineData("""{"statusCode":200,"body":{"a":1}}""", 200, "application/json", """{"a":1}""")]
    [InlineData("""{"statusCode":204}""", 204, "application/json", "")]
    [InlineData("""{"a":1}""", 200, "application/json", """{"a":1}""")]
    [InlineData("\"text \\u00fc\"", 200, "application/json", "text ü")]
    [InlineData("null", 200, "application/json", "null")]
    [InlineData("[1]", 200, "application/json", "[1]")]
    public void Response_IsRead(string payload, int status, string contentType, string body)
    {
        var (result, error) = HttpResponseV2.Read(Encoding.UTF8.GetBytes(payload));
        Assert.Null(error);
        Assert.Equal(status, result!.HttpStatus);
        Assert.Equal(contentType, result.ContentType);
        Assert.Equal(body, Encoding.UTF8.GetString(result.Body.Span));
    }

    [Fact]
    public void Response_HeadersAndCookies_AreRead()
    {
        var (result, _) = HttpResponseV2.Read("""{"statusCode":200,"headers":{"X-A":"1","X-N":2,"X-L":["a","b"],"Content-Length":"99"},"cookies":["a=1","b=2"]}"""u8.ToArray());
        Assert.Equal("X-A=1 X-N=2 X-L=a X-L=b Set-Cookie=a=1 Set-Cookie=b=2", string.Join(' ', result!.Headers.Select(header => $"{header.Key}={header.Value}")));
    }

    [Theory]
    [InlineData("""{"statusCode":999}""")]
    [InlineData("""{"statusCode":"abc"}""")]
    [InlineData("""{"statusCode":null}""")]
    [InlineData("""{"statusCode":200.5}""")]
    [InlineData("""{"statusCode":99999999999999999999}""")]
    [InlineData("""{"statusCode":200,"headers":{"X":{}}}""")]
    [InlineData("""{"statusCode":200,"body":"?","isBase64Encoded":true}""")]
    [InlineData("""{"statusCode":200,"body":"\ud800"}""")]
    [InlineData("""{"statusCode":200""")]
    [InlineData("")]
    public void Response_ThatIsNone_IsInvalid(string payload)
    {
        var (result, error) = HttpResponseV2.Read(Encoding.UTF8.GetBytes(payload));
        Assert.Null(result);
        Assert.Equal(ErrorCode.InvalidResponse, error!.Code);
    }

    private static ReadOnlyMemory<byte> Build(string query, byte[] body, string? contentType, params (string Name, string Value)[] headers)
    {
        var revision = new FunctionRevision
        {
            FunctionId = Guid.Empty,
            AccountId = "default",
            Revision = 1,
            Manifest = new FunctionManifest { Name = "test", Runtime = RuntimeIds.Python3, Handler = "app.handler" },
            PackageSha256 = "",
            PackageBytes = 0,
            CreatedAt = default,
        };
        var http = new HttpEvent
        {
            Method = "POST",
            Path = "/a%20b",
            Query = query,
            Headers = [.. headers.Select(header => KeyValuePair.Create(header.Name, header.Value))],
            SourceIp = "192.0.2.1",
            Host = "faas.test",
        };
        var message = new InvocationMessage
        {
            InvocationId = Guid.Empty,
            FunctionId = Guid.Empty,
            Revision = 1,
            AccountId = "default",
            Kind = InvocationKind.Synchronous,
            Trigger = TriggerKind.Http,
            AcceptedAt = default,
            DueAt = default,
            Deadline = default,
            ContentType = contentType,
            Http = http,
            Body = body,
        };
        return HttpEventV2.Build(message, revision, new DateTimeOffset(2020, 3, 12, 19, 3, 58, TimeSpan.Zero));
    }
}
