using FaasCluster.Contracts.Functions;

namespace FaasCluster.Contracts.Tests.Functions;

public sealed class ManifestReaderTests
{
    private const string Least = "name: hello\nruntime: python3\nhandler: app.handler\n";

    [Fact]
    public void Read_OnlyWhatIsRequired_FillsInEveryDefault()
    {
        var manifest = Read(Least);

        Assert.Equal("hello", manifest.Name);
        Assert.Equal("python3", manifest.Runtime);
        Assert.Equal("app.handler", manifest.Handler);
        Assert.Equal(HandlerSignature.Auto, manifest.Signature);
        Assert.Equal(256L << 20, manifest.MemoryBytes);
        Assert.Equal(TimeSpan.FromSeconds(30), manifest.Timeout);
        Assert.Equal(TimeSpan.FromSeconds(10), manifest.InitTimeout);
        Assert.Equal(TimeSpan.FromSeconds(30), manifest.WaitTimeout);
        Assert.Null(manifest.KeepAlive);
        Assert.Equal(NetworkPolicy.Egress, manifest.Network);
        Assert.False(manifest.NetworkIsRequired);
        Assert.Equal(UrlAuth.Key, manifest.UrlAuth);
        Assert.Empty(manifest.Environment);
        Assert.Equal(2, manifest.Retries.Attempts);
        Assert.Equal([TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(2)], manifest.Retries.Backoff);
        Assert.Equal(TimeSpan.FromHours(6), manifest.Retries.MaximumAge);
        Assert.Equal(EventKeeping.All, manifest.KeepEvents);
    }

    [Theory]
    [InlineData("provided")]
    [InlineData("provided.al2")]
    [InlineData("provided.al2023")]
    public void Read_RuntimeProvided_NeedsNoHandler(string runtime)
    {
        var manifest = Read($"name: hello\nruntime: {runtime}");
        Assert.Equal(("provided", "bootstrap"), (manifest.Runtime, manifest.Handler));
        Assert.Equal("function.handler", Read($"name: hello\nruntime: {runtime}\nhandler: function.handler").Handler);
    }

    [Fact]
    public void Read_EgressInSoManyWords_IsRequired()
    {
        var manifest = Read(Least + "network: egress");

        Assert.Equal(NetworkPolicy.Egress, manifest.Network);
        Assert.True(manifest.NetworkIsRequired);
    }

    [Theory]
    [InlineData("")]
    [InlineData("network: none")]
    public void Read_RuntimeWasm_HasNoNetwork(string network) => Assert.Equal(NetworkPolicy.None, Read("name: hello\nruntime: wasm\nhandler: main.wasm\n" + network).Network);

    [Fact]
    public void Read_EveryKey_TakesEveryValue()
    {
        var manifest = Read(
            """
            name: thumbnail-2
            runtime: nodejs
            handler: lib/app.process
            signature: http
            memory: 1.5GB
            timeout: 2m
            initTimeout: 500ms
            waitTimeout: 45
            keepAlive: 0s
            concurrency: 10000
            queueLimit: 1000000
            network: none
            url: { auth: none }
            env: { SIZE: "200", EMPTY: "" }
            retries: { attempts: 3, backoff: [1s, 1.5m], maxAge: 1h }
            keepEvents: failures
            """);

        Assert.Equal("thumbnail-2", manifest.Name);
        Assert.Equal("nodejs", manifest.Runtime);
        Assert.Equal("lib/app.process", manifest.Handler);
        Assert.Equal(NetworkPolicy.None, manifest.Network);
        Assert.Equal(HandlerSignature.Http, manifest.Signature);
        Assert.Equal(1536L << 20, manifest.MemoryBytes);
        Assert.Equal(TimeSpan.FromMinutes(2), manifest.Timeout);
        Assert.Equal(TimeSpan.FromMilliseconds(500), manifest.InitTimeout);
        Assert.Equal(TimeSpan.FromSeconds(45), manifest.WaitTimeout);
        Assert.Equal(TimeSpan.Zero, manifest.KeepAlive);
        Assert.Equal(10_000, manifest.Concurrency);
        Assert.Equal(1_000_000, manifest.QueueLimit);
        Assert.Equal(UrlAuth.None, manifest.UrlAuth);
        Assert.Equal("200", manifest.Environment["SIZE"]);
        Assert.Equal("", manifest.Environment["EMPTY"]);
        Assert.Equal(3, manifest.Retries.Attempts);
        Assert.Equal([TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(90)], manifest.Retries.Backoff);
        Assert.Equal(TimeSpan.FromHours(1), manifest.Retries.MaximumAge);
        Assert.Equal(EventKeeping.Failures, manifest.KeepEvents);
    }

    [Fact]
    public void Read_RetriesNever_IsAtMostOnce()
    {
        var retries = Read("{name: a, runtime: python3, handler: app.handler, retries: never}").Retries;

        Assert.Equal((0, true, TimeSpan.FromHours(6)), (retries.Attempts, retries.AtMostOnce, retries.MaximumAge));
        Assert.False(Read("{name: a, runtime: python3, handler: app.handler, retries: {attempts: 0}}").Retries.AtMostOnce);
    }

    [Fact]
    public void Read_Json_IsTheSameAsYaml()
    {
        var manifest = Read("""{"name": "hello", "runtime": "executable", "handler": "bin/main.sh", "memory": 128}""");

        Assert.Equal("bin/main.sh", manifest.Handler);
        Assert.Equal(128L << 20, manifest.MemoryBytes);
    }

    [Theory]
    [InlineData("64MB", 64)]
    [InlineData("64", 64)]
    [InlineData("128 MB", 128)]
    [InlineData("128mb", 128)]
    [InlineData("256MiB", 256)]
    [InlineData("2G", 2048)]
    [InlineData("10240MB", 10240)]
    [InlineData("10GB", 10240)]
    public void Read_Memory_IsInMegabytesOf2To20(string text, long megabytes)
    {
        Assert.Equal(megabytes << 20, Read($"{Least}memory: {text}").MemoryBytes);
    }

    // field, then the manifest that it is wrong in
    [Theory]
    [InlineData("name", "runtime: python3\nhandler: app.handler")]
    [InlineData("name", "name: Hello\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: 1st\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: a-\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: a/b\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: 'a;rm -rf'\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: ''\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: [a]\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nruntime: python3\nhandler: app.handler")]
    [InlineData("name", "name: \"a\\0b\"\nruntime: python3\nhandler: app.handler")]
    [InlineData("runtime", "name: hello\nhandler: app.handler")]
    [InlineData("runtime", "name: hello\nruntime: python2\nhandler: app.handler")]
    [InlineData("handler", "name: hello\nruntime: python3")]
    [InlineData("handler", "name: hello\nruntime: python3\nhandler: app")]
    [InlineData("handler", "name: hello\nruntime: python3\nhandler: app.handler; import os")]
    [InlineData("handler", "name: hello\nruntime: python3\nhandler: ../app.handler")]
    [InlineData("handler", "name: hello\nruntime: nodejs\nhandler: 'app.handler()'")]
    [InlineData("handler", "name: hello\nruntime: executable\nhandler: /bin/sh")]
    [InlineData("handler", "name: hello\nruntime: executable\nhandler: a/../../b")]
    [InlineData("handler", "name: hello\nruntime: executable\nhandler: -c")]
    [InlineData("handler", "name: hello\nruntime: executable\nhandler: 'a b'")]
    [InlineData("handler", "name: hello\nruntime: provided\nhandler: 'a b'")]
    [InlineData("runtime", "name: hello\nruntime: provided.al1\nhandler: x")]
    [InlineData("signature", "name: hello\nruntime: provided\nsignature: http")]
    [InlineData("signature", Least + "signature: cloud")]
    [InlineData("signature", "name: hello\nruntime: executable\nhandler: main.sh\nsignature: http")]
    [InlineData("handler", "name: hello\nruntime: dotnet\nhandler: Shop.Orders.Total")]
    [InlineData("handler", "name: hello\nruntime: dotnet\nhandler: '../Shop::Shop.Orders::Total'")]
    [InlineData("signature", "name: hello\nruntime: dotnet\nhandler: 'Shop::Shop.Orders::Total'\nsignature: http")]
    [InlineData("handler", "name: hello\nruntime: wasm\nhandler: ../main.wasm")]
    [InlineData("signature", "name: hello\nruntime: wasm\nhandler: main.wasm\nsignature: http")]
    [InlineData("memory", Least + "memory: 63MB")]
    [InlineData("memory", Least + "memory: 10241MB")]
    [InlineData("memory", Least + "memory: -5")]
    [InlineData("memory", Least + "memory: 99999999999999999999GB")]
    [InlineData("memory", Least + "memory: many")]
    [InlineData("memory", Least + "memory: 1e3")]
    [InlineData("memory", Least + "memory: NaN")]
    [InlineData("timeout", Least + "timeout: 0s")]
    [InlineData("timeout", Least + "timeout: 901s")]
    [InlineData("timeout", Least + "timeout: -1s")]
    [InlineData("timeout", Least + "timeout: 1 week")]
    [InlineData("timeout", Least + "timeout: 999999999999h")]
    [InlineData("initTimeout", Least + "initTimeout: 301s")]
    [InlineData("waitTimeout", Least + "waitTimeout: 500ms")]
    [InlineData("waitTimeout", Least + "waitTimeout: 301s")]
    [InlineData("keepAlive", Least + "keepAlive: 25h")]
    [InlineData("network", Least + "network: host")]
    [InlineData("network", "name: hello\nruntime: wasm\nhandler: main.wasm\nnetwork: egress")]
    [InlineData("url", Least + "url: open")]
    [InlineData("url.auth", Least + "url: { auth: nobody }")]
    [InlineData("url.path", Least + "url: { path: / }")]
    [InlineData("env", Least + "env: [A]")]
    [InlineData("env.1A", Least + "env: { 1A: x }")]
    [InlineData("env.A-B", Least + "env: { A-B: x }")]
    [InlineData("env.FAAS_KEY", Least + "env: { FAAS_KEY: x }")]
    [InlineData("env.AWS_LAMBDA_RUNTIME_API", Least + "env: { AWS_LAMBDA_RUNTIME_API: x }")]
    [InlineData("env.A", Least + "env: { A: [x] }")]
    [InlineData("env.A", Least + "env: { A: \"x\\0y\" }")]
    [InlineData("keepEvents", Least + "keepEvents: none")]
    [InlineData("retries", Least + "retries: 3")]
    [InlineData("retries", Least + "retries: Never")]
    [InlineData("retries", Least + "retries:")]
    [InlineData("retries", Least + "retries: [never]")]
    [InlineData("retries.attempts", Least + "retries: { attempts: 11 }")]
    [InlineData("retries.attempts", Least + "retries: { attempts: -1 }")]
    [InlineData("retries.attempts", Least + "retries: { attempts: 1.5 }")]
    [InlineData("retries.backoff", Least + "retries: { backoff: 1m }")]
    [InlineData("retries.backoff", Least + "retries: { backoff: [] }")]
    [InlineData("retries.backoff[1]", Least + "retries: { backoff: [1m, 2h] }")]
    [InlineData("retries.maxAge", Least + "retries: { maxAge: 7h }")]
    [InlineData("retries.jitter", Least + "retries: { jitter: 1 }")]
    [InlineData("memry", Least + "memry: 64MB")]
    [InlineData("triggers", Least + "triggers: []")]
    [InlineData("secrets", Least + "secrets: [A]")]
    [InlineData("queueLimit", Least + "queueLimit: 0")]
    [InlineData("queueLimit", Least + "queueLimit: 1000001")]
    [InlineData("minInstances", Least + "minInstances: -1")]
    [InlineData("minInstances", Least + "minInstances: 1001")]
    [InlineData("minInstances", Least + "concurrency: 2\nminInstances: 3")]
    [InlineData("concurrency", Least + "concurrency: 0")]
    [InlineData("concurrency", Least + "concurrency: 10001")]
    [InlineData("concurrency", Least + "concurrency: 1.5")]
    [InlineData("manifest", "")]
    [InlineData("manifest", "just text")]
    [InlineData("manifest", "- a list")]
    [InlineData("manifest", "name: 'open")]
    [InlineData("manifest", "name: a\nname: b")]
    [InlineData("manifest", Least + "---\n" + Least)]
    public void Fault24_ManifestWithAWrongValue_IsRefusedByField(string field, string text)
    {
        var manifest = ManifestReader.Read(text, out var errors);

        Assert.Null(manifest);
        var error = Assert.Single(errors);
        Assert.Equal(field, error.Field);
        Assert.NotEmpty(error.Message);
    }

    [Fact]
    public void Read_ManyThingsWrong_SaysAllAtOnce()
    {
        Assert.Null(ManifestReader.Read("name: A\nruntime: ruby\nmemory: 1MB\ntimeout: x\nfoo: 1", out var errors));

        Assert.Equal(["foo", "handler", "memory", "name", "runtime", "timeout"], errors.Select(error => error.Field).Order());
    }

    [Theory]
    [InlineData("memmory: 64MB", "memory")]
    [InlineData("time-out: 1s", "timeout")]
    [InlineData("retrys: {}", "retries")]
    public void Read_MistypedKey_SuggestsTheOneMeant(string line, string meant)
    {
        ManifestReader.Read(Least + line, out var errors);

        Assert.Contains($"did you mean '{meant}'?", Assert.Single(errors).Message);
    }

    [Fact]
    public void Read_TooLong_IsRefusedBeforeItIsParsed()
    {
        Assert.Null(ManifestReader.Read(new string('{', ManifestReader.MaximumLength + 1), out var errors));

        Assert.Equal("manifest", Assert.Single(errors).Field);
    }

    [Fact]
    public void Read_EnvironmentLargerThan4096Characters_IsRefused()
    {
        Assert.Null(ManifestReader.Read($"{Least}env: {{ A: {new string('x', 4096)} }}", out var errors));

        Assert.Equal("env", Assert.Single(errors).Field);
    }

    // "Billion laughs": aliases that multiply. The values are never expanded; the size of what is read stays that of the text.
    [Fact]
    public void Read_AliasesThatMultiply_AreRefusedWithoutHarm()
    {
        var bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + string.Concat(Enumerable.Range(1, 9).Select(i => $"{(char)('a' + i)}: &{(char)('a' + i)} [{string.Join(',', Enumerable.Repeat($"*{(char)('a' + i - 1)}", 10))}]\n"));

        Assert.Null(ManifestReader.Read(Least + bomb, out var errors));
        Assert.NotEmpty(errors);
    }

    // A parser that descends by recursion would overflow the stack, which ends the process.
    [Theory]
    [InlineData('[', ']')]
    [InlineData('{', '}')]
    public void Read_DeepNesting_IsRefusedWithoutHarm(char open, char close)
    {
        Assert.Null(ManifestReader.Read(Least + "env: " + new string(open, 32_000) + new string(close, 32_000), out var errors));

        Assert.NotEmpty(errors);
    }

    [Fact]
    public void Read_LongNameWithControlCharacters_IsShortenedAndMadePrintableInTheMessage()
    {
        ManifestReader.Read($"name: \"\\e[31m{new string('x', 300)}\"\nruntime: python3\nhandler: app.handler", out var errors);

        var message = Assert.Single(errors).Message;
        Assert.DoesNotContain('\e', message);
        Assert.True(message.Length < 300);
    }

    private static FunctionManifest Read(string text)
    {
        var manifest = ManifestReader.Read(text, out var errors);
        Assert.Empty(errors);
        return manifest!;
    }
}
