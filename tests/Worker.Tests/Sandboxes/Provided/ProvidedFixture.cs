using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Packages;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>Makes functions of the runtime "provided".</summary>
internal static class ProvidedFixture
{
    /// <summary>What every bootstrap of a shell needs; <c>next</c> sets EVENT and ID, <c>answer</c> and <c>fail</c> post their argument.</summary>
    private const string Client = """
        #!/bin/sh
        set -euo pipefail
        api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
        next() {
          EVENT=$(curl -sS -D /tmp/headers "$api/invocation/next")
          ID=$(grep -i '^Lambda-Runtime-Aws-Request-Id:' /tmp/headers | tr -d '[:space:]' | cut -d: -f2)
        }
        answer() { curl -sS -o /dev/null "$api/invocation/$ID/response" -d "$1"; }
        fail() { curl -sS -o /dev/null "$api/invocation/$ID/error" -d "$1"; }

        """;

    /// <summary>A Lambda program of Python alone, whose <c>handler(event, context)</c> is as in the runtime "python3".</summary>
    private const string PythonClient = """

        import http.client, json, os
        api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        while True:
            api.request("GET", "/2018-06-01/runtime/invocation/next")
            next = api.getresponse()
            event = json.loads(next.read())
            api.request("POST", f"/2018-06-01/runtime/invocation/{next.headers['Lambda-Runtime-Aws-Request-Id']}/response", json.dumps(handler(event, None)))
            api.getresponse().read()
        """;

    /// <summary>A program of Python that defines <c>handler(event, context)</c>.</summary>
    public static FunctionRevision PythonProgram(this SandboxFixture fixture, string code, Func<FunctionManifest, FunctionManifest>? with = null) =>
        fixture.Program(PythonText(code), with);

    /// <summary>The same as text.</summary>
    public static string PythonText(string code) => ("#!/usr/bin/python3 -I\n" + code + PythonClient).ReplaceLineEndings("\n");

    /// <summary>A shell script that begins with <see cref="Client"/>.</summary>
    public static FunctionRevision Script(this SandboxFixture fixture, string code, Func<FunctionManifest, FunctionManifest>? with = null) =>
        fixture.Program((Client + code).ReplaceLineEndings("\n"), with);

    /// <summary>A bootstrap as it is.</summary>
    public static FunctionRevision Program(this SandboxFixture fixture, string code, Func<FunctionManifest, FunctionManifest>? with = null) =>
        fixture.Deploy(RuntimeIds.Provided, "bootstrap", PackageBuilder.FromFile("bootstrap", System.Text.Encoding.UTF8.GetBytes(code), executable: true), with);

    /// <summary>A package of several files: those that end in "*" are executable.</summary>
    public static byte[] Package(params (string Name, string Text)[] files)
    {
        var directory = Directory.CreateTempSubdirectory("faas-provided-").FullName;
        try
        {
            foreach (var (name, text) in files)
            {
                var path = Path.Combine(directory, name.TrimEnd('*'));
                File.WriteAllText(path, text.ReplaceLineEndings("\n"));
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | (name.EndsWith('*') ? UnixFileMode.UserExecute : 0));
            }

            return PackageBuilder.FromDirectory(directory);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
