using System.Diagnostics;
using FaasCluster.Processes;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>
/// AWS's runtime client for Node.js, as npm has it. Its install script would build curl from source, in minutes and with autotools; here its
/// own native half is compiled unchanged, with the headers of the curl that it brings, against the curl library of this host.
/// </summary>
internal static class NodeClient
{
    private const string Version = "3.3.0";

    private const string Build = """
        set -eu
        cd "$1"
        printf '{"name":"client","version":"1.0.0","private":true}' > package.json
        npm install --fetch-retries 5 --ignore-scripts --no-audit --no-fund --no-package-lock "aws-lambda-ric@$2" >&2
        cd node_modules/aws-lambda-ric
        tar xzf deps/curl-*.tar.gz -C deps
        tar xzf deps/aws-lambda-cpp-*.tar.gz -C deps
        cpp=$(echo deps/aws-lambda-cpp-*/)
        sed 's/@[A-Z_]*@/0/g' "$cpp/src/version.cpp.in" > deps/version.cpp
        headers=$(node -p 'require("path").resolve(process.execPath, "../../include/node")')
        g++ -shared -fPIC -O1 -std=c++17 -DNAPI_CPP_EXCEPTIONS -I ../node-addon-api -I "$headers" -I "$cpp/include" -I "$(echo deps/curl-*/include)" \
          src/rapid-client.cc "$cpp/src/logging.cpp" "$cpp/src/runtime.cpp" deps/version.cpp -l:libcurl.so.4 -o dist/rapid-client.node
        rm -rf deps
        """;

    private static readonly SemaphoreSlim Once = new(1);

    /// <summary>The directory of the package. It is made once; npm, g++ and Node.js are there if <c>deploy/local/setup test</c> has run.</summary>
    public static async Task<string> FindAsync()
    {
        var directory = Path.Combine(Repository.Root, "artifacts", "cache", $"aws-lambda-ric-{Version}");
        var client = Path.Combine(directory, "node_modules", "aws-lambda-ric");
        await Once.WaitAsync();
        try
        {
            if (!File.Exists(Path.Combine(client, "dist", "rapid-client.node")))
            {
                Directory.CreateDirectory(directory);
                using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", Build, "sh", directory, Version]) { RedirectStandardError = true })!;
                var errors = await process.StandardError.ReadToEndAsync();
                await process.WaitForExitAsync();
                Assert.True(process.ExitCode == 0, "aws-lambda-ric could not be made ready: " + errors);
            }
        }
        finally
        {
            Once.Release();
        }

        return client;
    }

    /// <summary>Fills a directory with a function: the client, index.js and a bootstrap that starts the one with the other.</summary>
    public static async Task MakeFunctionAsync(string directory, string code)
    {
        Copy(await FindAsync(), Path.Combine(directory, "node_modules", "aws-lambda-ric"));
        await File.WriteAllTextAsync(Path.Combine(directory, "index.js"), code);
        var bootstrap = Path.Combine(directory, "bootstrap");
        await File.WriteAllTextAsync(bootstrap, "#!/bin/sh\nexec /usr/bin/node node_modules/aws-lambda-ric/bin/index.mjs \"$_HANDLER\"\n");
        File.SetUnixFileMode(bootstrap, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
