using System.Text;

namespace FaasCluster.Cli.Tests;

/// <summary>One run of the command in this process, with streams, environment and directory of its own.</summary>
internal sealed class CommandRun : IDisposable
{
    private readonly MemoryStream _output = new();
    private readonly SharedText _error = new();
    private readonly Dictionary<string, string?> _environment = [];

    public CommandRun(ScriptedCluster? cluster = null)
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("faas-cli-").FullName;
        _environment["HOME"] = Directory;
        if (cluster is not null)
        {
            _environment["FAAS_URL"] = cluster.Url;
            _environment["FAAS_KEY"] = ScriptedCluster.Key;
        }
    }

    public string Directory { get; }

    public byte[] Input { get; init; } = [];

    public bool OnTerminal { get; init; }

    public int ExitCode { get; private set; } = -1;

    public byte[] OutputBytes => _output.ToArray();

    public string Output => Encoding.UTF8.GetString(OutputBytes);

    public string Error => _error.ToString();

    public CommandRun With(string variable, string? value)
    {
        _environment[variable] = value;
        return this;
    }

    public CommandRun WithFile(string name, string content) => WithFile(name, Encoding.UTF8.GetBytes(content));

    public CommandRun WithFile(string name, byte[] content)
    {
        var path = Path.Combine(Directory, name);
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return this;
    }

    public async Task<CommandRun> RunAsync(params string[] arguments)
    {
        var terminal = new Terminal
        {
            OutputStream = _output,
            Output = new StreamWriter(_output, new UTF8Encoding(false)) { AutoFlush = true },
            Error = _error,
            Input = new MemoryStream(Input),
            OutputIsTerminal = OnTerminal,
            ErrorIsTerminal = OnTerminal,
            InputIsTerminal = OnTerminal,
            Environment = name => _environment.GetValueOrDefault(name),
            CurrentDirectory = Directory,
        };
        ExitCode = await FaasCommandLine.RunAsync(arguments, terminal, TestContext.Current.CancellationToken);
        return this;
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    /// <summary>Can be read while it is written.</summary>
    private sealed class SharedText : TextWriter
    {
        private readonly StringBuilder _text = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            lock (_text)
            {
                _text.Append(value);
            }
        }

        public override string ToString()
        {
            lock (_text)
            {
                return _text.ToString();
            }
        }
    }
}
