using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using FaasCluster.Contracts.Api;
using FaasCluster.Gateway.Tests.Hosting;
using FaasCluster.Storage.Packages;

namespace FaasCluster.Gateway.Tests.Functions;

public sealed class DeployTests(EmbeddedGateway gateway) : IClassFixture<EmbeddedGateway>
{
    [Fact]
    public async Task Deploy_OfOneSourceFile_MakesTheFirstRevision()
    {
        var name = Api.NewName();
        using var response = await gateway.Client.PostAsync("/api/functions", Api.Form(Api.Manifest(name, "memory: 512MB\nenv: { B: 2, A: secret-value }\n")));

        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal($"/api/functions/{name}", response.Headers.Location!.ToString());
        var text = await response.Content.ReadAsStringAsync();
        var function = await response.ReadAsync(ApiJson.Default.FunctionDescription);
        Assert.Equal((name, 1, "python3", 512), (function.Name, function.Revision, function.Runtime, function.MemoryMb));
        Assert.Equal(["A", "B"], function.Environment);
        Assert.DoesNotContain("secret-value", text);
        Assert.Equal($"{gateway.Address}fn/{name}", function.Url);
        Assert.Contains(function.Warnings, warning => warning.Contains("No worker is connected"));
        var zip = await gateway.Get<IPackageStore>().FindAsync(function.PackageSha256, CancellationToken.None);
        using var archive = new ZipArchive(new MemoryStream(zip!));
        Assert.Equal(["app.py"], archive.Entries.Select(entry => entry.FullName));
    }

    [Fact]
    public async Task Deploy_OfAZip_TakesTheManifestFromIt()
    {
        var name = Api.NewName();
        using var response = await gateway.Client.PostAsync(
            "/api/functions", Api.Form(null, Zip(("app.py", Api.Source), ("function.yaml", Api.Manifest(name))), "package.zip"));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        Assert.Equal(name, (await response.ReadAsync(ApiJson.Default.FunctionDescription)).Name);
    }

    [Fact]
    public async Task Deploy_OfANameThatIsThere_MakesTheNextRevision()
    {
        var name = Api.NewName();
        var first = await gateway.Client.DeployAsync(name);
        var second = await gateway.Client.DeployAsync(name, "timeout: 3s");

        Assert.Equal((first.Id, 2, 3000), (second.Id, second.Revision, second.TimeoutMs));
        var page = await gateway.Client.GetAsync($"/api/functions/{name}/revisions", ApiJson.Default.PageFunctionDescription);
        Assert.Equal([2, 1], page.Items.Select(item => item.Revision));
        Assert.Equal(2, (await gateway.Client.GetAsync($"/api/functions/{name}", ApiJson.Default.FunctionDescription)).Revision);
    }

    [Fact]
    public async Task Deploy_ByManyAtOnce_GivesConsecutiveRevisions()
    {
        var name = Api.NewName();
        var deployed = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => gateway.Client.DeployAsync(name)));
        Assert.Equal(Enumerable.Range(1, 8), deployed.Select(function => function.Revision).Order());
        Assert.Single(deployed.Select(function => function.Id).Distinct());
    }

    [Theory]
    [InlineData("python3", "app.handler", "lib/app.py", false)]
    [InlineData("python3", "lib.app.handler", "lib/app.py", true)]
    [InlineData("python3", "lib.handler", "lib/__init__.py", true)]
    [InlineData("nodejs", "index.handler", "index.mjs", true)]
    [InlineData("nodejs", "src/index.handler", "src/index.js", true)]
    [InlineData("nodejs", "index.handler", "main.js", false)]
    [InlineData("executable", "main.sh", "other.sh", false)]
    [InlineData("wasm", "main.wasm", "other.wasm", false)]
    [InlineData("dotnet", "Shop::Shop.Orders::Total", "Shop.dll", true)]
    [InlineData("dotnet", "Shop::Shop.Orders::Total", "Orders.dll", false)]
    public async Task Deploy_ByHandler_NeedsItsFile(string runtime, string handler, string file, bool isThere)
    {
        var manifest = $"name: {Api.NewName()}\nruntime: {runtime}\nhandler: {handler}\n";
        using var response = await gateway.Client.PostAsync("/api/functions", Api.Form(manifest, Zip((file, "x")), "p.zip"));
        if (isThere)
        {
            Assert.Equal(HttpStatusCode.Created, response.StatusCode);
            return;
        }

        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Contains(problem.Errors!, error => error.Field == "handler" && error.Message.Contains(file));
    }

    [Fact]
    public async Task Deploy_OfAnExecutableThatIsNone_SaysHowToMakeItOne()
    {
        var manifest = $"name: {Api.NewName()}\nruntime: executable\nhandler: main.sh\n";
        using var response = await gateway.Client.PostAsync("/api/functions", Api.Form(manifest, Zip(("main.sh", "#!/bin/sh\n")), "p.zip"));
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Contains("chmod +x main.sh", Assert.Single(problem.Errors!).Message);
    }

    [Theory]
    [InlineData("main.zip")]
    [InlineData("main.wasm")]
    public async Task Deploy_OfAModuleThatCannotRun_SaysWhy(string file)
    {
        // A component: the header of WASI preview 2.
        var module = "\0asm\u000d\0\u0001\0";
        var manifest = $"name: {Api.NewName()}\nruntime: wasm\nhandler: main.wasm\n";
        using var response = await gateway.Client.PostAsync(
            "/api/functions", Api.Form(manifest, file.EndsWith(".zip", StringComparison.Ordinal) ? Zip(("main.wasm", module)) : Encoding.UTF8.GetBytes(module), file));
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Contains("component", Assert.Single(problem.Errors!, error => error.Field == "handler").Message);
    }

    [Fact]
    public async Task Deploy_OfALambdaProgram_NeedsItsBootstrap()
    {
        var manifest = $"name: {Api.NewName()}\nruntime: provided.al2023\n";
        foreach (var (file, expected) in new[] { ("bootstrap", "chmod +x bootstrap"), ("main", "no file 'bootstrap'") })
        {
            using var refused = await gateway.Client.PostAsync("/api/functions", Api.Form(manifest, Zip((file, "#!/bin/sh\n")), "p.zip"));
            var error = Assert.Single((await refused.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed")).Errors!);
            Assert.Equal("package", error.Field);
            Assert.Contains(expected, error.Message);
        }

        // A single file is the bootstrap, whatever its name.
        using var response = await gateway.Client.PostAsync("/api/functions", Api.Form(manifest, "#!/bin/sh\n"u8.ToArray(), "main"));
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
    }

    [Fact]
    public async Task Fault24_DeployWithSeveralErrors_NamesEveryFieldAndMakesNothing()
    {
        var name = Api.NewName();
        using var response = await gateway.Client.PostAsync("/api/functions", Api.Form(Api.Manifest(name, "memory: -1\ntimout: 3s\nnetwork: host\n")));
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(["memory", "network", "timout"], problem.Errors!.Select(error => error.Field).Order());
        Assert.Contains("timeout", problem.Errors!.Single(error => error.Field == "timout").Message);
        using var described = await gateway.Client.GetAsync($"/api/functions/{name}");
        Assert.Equal(HttpStatusCode.NotFound, described.StatusCode);
    }

    [Theory]
    [InlineData("not a zip", "p.zip", "package")]
    [InlineData("x", "../app.py", "package")]
    [InlineData("x", "a b.py", "package")]
    [InlineData("x", null, "package")]
    [InlineData("", "app.py", "package")]
    public async Task Deploy_OfABadPackage_NamesIt(string text, string? fileName, string field)
    {
        using var response = await gateway.Client.PostAsync("/api/functions", Api.Form(Api.Manifest(Api.NewName()), Encoding.UTF8.GetBytes(text), fileName));
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(field, problem.Errors![0].Field);
    }

    [Fact]
    public async Task Deploy_WithoutManifest_NamesIt()
    {
        using var response = await gateway.Client.PostAsync("/api/functions", Api.Form(null));
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal("manifest", Assert.Single(problem.Errors!).Field);
    }

    [Fact]
    public async Task Deploy_WithAManifestThatIsNoUtf8_NamesIt()
    {
        var form = new MultipartFormDataContent { { new ByteArrayContent("x"u8.ToArray()), "package", "app.py" }, { new ByteArrayContent([0x6E, 0xFF, 0xFE]), "manifest" } };
        using var response = await gateway.Client.PostAsync("/api/functions", form);
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal("manifest", Assert.Single(problem.Errors!).Field);
    }

    [Theory]
    [InlineData("package")]
    [InlineData("manifest")]
    [InlineData("surprise")]
    public async Task Deploy_WithAPartTooMany_NamesIt(string part)
    {
        var form = Api.Form(Api.Manifest(Api.NewName()));
        form.Add(new StringContent("again"), part);
        using var response = await gateway.Client.PostAsync("/api/functions", form);
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.Equal(part, Assert.Single(problem.Errors!).Field);
    }

    [Theory]
    [InlineData("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=package; filename=app.py\r\n\r\nnever ends")]
    [InlineData("multipart/form-data; boundary=x", "no boundary at all")]
    [InlineData("multipart/form-data; boundary=x", "--x\r\nno colon\r\n\r\nx\r\n--x--\r\n")]
    [InlineData("multipart/form-data", "--x--\r\n")]
    public async Task Deploy_WithMalformedMultipart_IsRefused(string contentType, string body)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        using var response = await gateway.Client.PostAsync("/api/functions", content);
        var problem = await response.ProblemAsync(HttpStatusCode.BadRequest, "validation_failed");
        Assert.NotEmpty(problem.Errors!);
    }

    [Fact]
    public async Task Deploy_OfAnotherContentType_Is415()
    {
        using var response = await gateway.Client.PostAsync("/api/functions", new StringContent("{}", new MediaTypeHeaderValue("application/json")));
        await response.ProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Deploy_OfMoreThanTheLimit_Is413(bool chunked)
    {
        var form = Api.Form(Api.Manifest(Api.NewName()), new byte[(50 << 20) + (3 << 20)], "p.zip");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/functions") { Content = form };
        request.Headers.TransferEncodingChunked = chunked;
        using var response = await gateway.Client.SendAsync(request);
        var problem = await response.ProblemAsync(HttpStatusCode.RequestEntityTooLarge, "payload_too_large");
        Assert.Equal("package", Assert.Single(problem.Errors!).Field);
    }

    [Fact]
    public async Task List_ByPages_GivesEveryFunctionOnceInTheOrderOfNames()
    {
        var names = Enumerable.Range(0, 5).Select(_ => Api.NewName()).Order(StringComparer.Ordinal).ToArray();
        await Task.WhenAll(names.Select(name => gateway.Client.DeployAsync(name)));
        var seen = new List<string>();
        string? cursor = null;
        do
        {
            var page = await gateway.Client.GetAsync($"/api/functions?limit=2{(cursor is null ? "" : $"&cursor={cursor}")}", ApiJson.Default.PageFunctionDescription);
            Assert.InRange(page.Items.Count, 1, 2);
            seen.AddRange(page.Items.Select(item => item.Name));
            cursor = page.Next;
        }
        while (cursor is not null);
        Assert.Equal(seen.Order(StringComparer.Ordinal), seen);
        Assert.Equal(names, seen.Where(names.Contains));
    }

    [Fact]
    public async Task Delete_OfAFunction_FreesItsName()
    {
        var name = Api.NewName();
        var first = await gateway.Client.DeployAsync(name);
        using (var response = await gateway.Client.DeleteAsync($"/api/functions/{name}"))
        {
            Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        }

        using (var response = await gateway.Client.GetAsync($"/api/functions/{name}"))
        {
            await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        using (var response = await gateway.Client.DeleteAsync($"/api/functions/{name}"))
        {
            await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        var second = await gateway.Client.DeployAsync(name);
        Assert.NotEqual(first.Id, second.Id);
        Assert.Equal(1, second.Revision);
    }

    [Fact]
    public async Task Functions_OfAnotherAccount_AreNotThere()
    {
        var name = Api.NewName();
        var mine = await gateway.Client.DeployAsync(name);
        using (var response = await gateway.Stranger.GetAsync($"/api/functions/{name}"))
        {
            await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        using (var response = await gateway.Stranger.GetAsync($"/api/functions/{name}/revisions"))
        {
            await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        using (var response = await gateway.Stranger.DeleteAsync($"/api/functions/{name}"))
        {
            await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        using (var response = await gateway.Stranger.PostAsync($"/api/functions/{name}/invocations", null))
        {
            await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        using (var response = await gateway.Stranger.GetAsync($"/fn/{name}"))
        {
            await response.ProblemAsync(HttpStatusCode.NotFound, "not_found");
        }

        var theirs = await gateway.Stranger.DeployAsync(name);
        Assert.NotEqual(mine.Id, theirs.Id);
        Assert.Equal(1, theirs.Revision);
        Assert.DoesNotContain((await gateway.Stranger.GetAsync("/api/functions?limit=1000", ApiJson.Default.PageFunctionDescription)).Items, item => item.Id == mine.Id);
    }

    private static byte[] Zip(params (string Name, string Text)[] files)
    {
        using var output = new MemoryStream();
        using (var archive = new ZipArchive(output, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, text) in files)
            {
                using var writer = new StreamWriter(archive.CreateEntry(name).Open());
                writer.Write(text);
            }
        }

        return output.ToArray();
    }
}
