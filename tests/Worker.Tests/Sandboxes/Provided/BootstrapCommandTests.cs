using System.Diagnostics;
using System.Text;
using FaasCluster.Worker.Packages;
using FaasCluster.Worker.Sandboxes.Provided;

namespace FaasCluster.Worker.Tests.Sandboxes.Provided;

/// <summary>What a waiting shell is told, read by the shells that a host's /usr/bin/sh may be.</summary>
public sealed class BootstrapCommandTests
{
    [Theory]
    [InlineData("/usr/bin/dash")]
    [InlineData("/usr/bin/bash", "--posix")]
    public async Task Environment_HoweverHostile_ArrivesAsItIs(params string[] shell)
    {
        var everyCharacter = string.Concat(Enumerable.Range(1, 0xFFF).Select(character => (char)character));
        var environment = new Dictionary<string, string>
        {
            ["EMPTY"] = "",
            ["QUOTES"] = "'\"`'' \\' \\",
            ["QUOTE"] = "'",
            ["SUBSTITUTION"] = "$(touch pwned)`touch pwned`${HOME}; touch pwned #",
            ["LINES_OF_TEXT"] = "a\n. /proc/self/fd/0\nexit 1\n'\nexit 1\r\n\t",
            ["OPTION"] = "--help",
            ["HOME_OF_NOBODY"] = "~:~root",
            ["PATTERN"] = "* ? [a-z]",
            ["EVERY"] = everyCharacter,
            ["LONG"] = new string('x', 4096),
            ["MANY_QUOTES"] = new string('\'', 4096),
            ["EMOJI"] = "\U0001F600\u00e9\u4e2d",
            ["PATH"] = "/var/task/bin:'",
            ["LANG"] = "de_DE.UTF-8",
            ["LD_LIBRARY_PATH"] = "/var/task/lib",
            ["TZ"] = "Europe/Berlin",
            ["not.a.name"] = "1",
        };

        // What the shells know themselves, not all of which can be assigned.
        foreach (var name in new[] { await RunAsync("/usr/bin/bash", ["-c", "compgen -v"]), await RunAsync("/usr/bin/dash", ["-c", "set | sed 's/=.*//'"]) }.SelectMany(names => names.Split('\n', StringSplitOptions.RemoveEmptyEntries)))
        {
            environment.TryAdd(name, "it's\nmine");
        }

        Assert.Contains("OPTIND", environment);
        Assert.Contains("UID", environment);
        var directory = Directory.CreateTempSubdirectory("faas-command-").FullName;
        try
        {
            var program = Path.Combine(directory, "it's a $program");
            await File.WriteAllTextAsync(program, "#!/usr/bin/python3 -I\nimport os, sys\nsys.stdout.buffer.write(b'\\0'.join(name + b'=' + value for name, value in os.environb.items()))\n");
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

            // Another test may be starting a process, which has a copy of every descriptor for a moment.
            await OpenWriters.WhenGoneAsync(program, TimeProvider.System, TestContext.Current.CancellationToken);
            await using (var command = File.Create(Path.Combine(directory, "command")))
            {
                await command.WriteAsync(BootstrapCommand.Write(environment, program));
            }

            var output = await RunAsync(shell[0], [.. shell[1..], "-c", ". ./command\nexec \"$@\""], directory);

            var seen = output.Split('\0').ToDictionary(variable => variable[..variable.IndexOf('=')], variable => variable[(variable.IndexOf('=') + 1)..]);
            foreach (var (name, value) in environment)
            {
                Assert.Equal((name, value), (name, seen.GetValueOrDefault(name)));
            }

            Assert.Equal(["command", "it's a $program"], Directory.GetFileSystemEntries(directory).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<string> RunAsync(string program, IEnumerable<string> arguments, string directory = "/")
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = new UTF8Encoding(false) };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }
}
