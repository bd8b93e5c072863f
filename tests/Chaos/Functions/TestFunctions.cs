namespace FaasCluster.Chaos.Functions;

/// <summary>What is called: each answers with the event's own nonce and the hash of its data, so that nobody's answer passes for another's.</summary>
internal static class TestFunctions
{
    public const string Python = "echo-python";
    public const string Node = "echo-node";
    public const string Versioned = "versioned";

    /// <summary>Called by nobody while the nemesis deletes its queue.</summary>
    public const string Quiet = "quiet";

    private const string PythonSource =
        """
        import hashlib, time

        def handler(event, context):
            time.sleep(event['ms'] / 1000)
            if context.attempt <= event['failures']:
                raise RuntimeError('on purpose')
            return {'n': event['n'], 'sha256': hashlib.sha256(event['data'].encode()).hexdigest()}
        """;

    private const string NodeSource =
        """
        const { createHash } = require('crypto');
        exports.handler = async (event, context) => {
          await new Promise((done) => setTimeout(done, event.ms));
          if (context.attempt <= event.failures) throw new Error('on purpose');
          return { n: event.n, sha256: createHash('sha256').update(event.data).digest('hex') };
        };
        """;

    public static IReadOnlyList<TestFunction> All { get; } =
    [
        new(Python, "app.py", PythonSource, PythonManifest(Python)) { AsynchronousShare = 34, SynchronousShare = 40 },
        new(Node, "app.js", NodeSource, NodeManifest(Node)) { AsynchronousShare = 24, SynchronousShare = 30 },
        new("slow", "app.py", PythonSource, PythonManifest("slow")) { AsynchronousShare = 5, SynchronousShare = 10, MostMilliseconds = 600 },
        new("flaky", "app.py", PythonSource, PythonManifest("flaky", ", retries: {attempts: 3, backoff: [1s]}")) { AsynchronousShare = 10, MostFailures = 2 },
        new("hopeless", "app.js", NodeSource, NodeManifest("hopeless", ", retries: {attempts: 1, backoff: [1s]}"))
        {
            AsynchronousShare = 4, SynchronousShare = 5, MostFailures = int.MaxValue, EndState = "failed",
        },
        new("large", "app.py", PythonSource, PythonManifest("large")) { AsynchronousShare = 3, SynchronousShare = 2, MostBytes = 400_000 },
        new(Quiet, "app.py", PythonSource, PythonManifest(Quiet)) { AsynchronousShare = 10 },
        Version(1),
    ];

    /// <summary>A revision whose code and environment say the same number.</summary>
    public static TestFunction Version(int version) => new(
        Versioned,
        "app.py",
        "import os\n" + PythonSource.Replace("return {", $"return {{'v': '{version}-' + os.environ['VERSION'], ", StringComparison.Ordinal),
        PythonManifest(Versioned, $", env: {{VERSION: '{version}'}}"))
    {
        AsynchronousShare = 10,
        SynchronousShare = 13,
    };

    private static string PythonManifest(string name, string more = "") => Manifest(name, "python3", more);

    private static string NodeManifest(string name, string more = "") => Manifest(name, "nodejs", more);

    // A run that a stopped worker kept past its time is tried again, soon enough for the end of a short test.
    private static string Manifest(string name, string runtime, string more) =>
        $"{{name: {name}, runtime: {runtime}, handler: app.handler, memory: 128MB, timeout: 20s, waitTimeout: 15s{(more.Contains("retries", StringComparison.Ordinal) ? "" : ", retries: {attempts: 3, backoff: [1s]}")}{more}}}";
}
