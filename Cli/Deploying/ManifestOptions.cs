using System.CommandLine;
using YamlDotNet.RepresentationModel;

namespace FaasCluster.Cli.Deploying;

/// <summary>The options of <c>faas deploy</c> that stand for keys of function.yaml, or change them for one deploy.</summary>
internal sealed class ManifestOptions
{
    private static readonly (string Option, string Key, string Help, string Description)[] Texts =
    [
        ("--name", "name", "NAME", "The function's name"),
        ("--runtime", "runtime", "RUNTIME", "python3, nodejs, dotnet, executable, provided or wasm; by default what the file's ending says"),
        ("--handler", "handler", "HANDLER", "What is called, for example app.handler"),
        ("--signature", "signature", "SIGNATURE", "How the handler takes its event: auto, event or http"),
        ("--memory", "memory", "SIZE", "Memory of one sandbox, for example 256MB"),
        ("--timeout", "timeout", "TIME", "The longest run, for example 30s"),
    ];

    private readonly List<(Option<string> Option, string Key)> _texts = [];
    private readonly Option<string> _urlAuth = new("--url-auth") { HelpName = "key|none", Description = "Who may call its URL: whoever has a key, or anyone" };
    private readonly Option<string[]> _environment = new("--env", "-e") { HelpName = "NAME=VALUE", Description = "An environment variable; may be repeated" };

    public void AddTo(Command command)
    {
        foreach (var (name, key, help, description) in Texts)
        {
            var option = new Option<string>(name) { HelpName = help, Description = description };
            _texts.Add((option, key));
            command.Add(option);
        }

        command.Add(_urlAuth);
        command.Add(_environment);
    }

    /// <summary>Puts what was given into a manifest.</summary>
    /// <returns>Whether anything was given.</returns>
    public bool Apply(ParseResult result, YamlMappingNode manifest)
    {
        var any = false;
        foreach (var (option, key) in _texts)
        {
            if (result.GetValue(option) is { } text)
            {
                manifest.Children[new YamlScalarNode(key)] = new YamlScalarNode(text);
                any = true;
            }
        }

        if (result.GetValue(_urlAuth) is { } auth)
        {
            Section(manifest, "url").Children[new YamlScalarNode("auth")] = new YamlScalarNode(auth);
            any = true;
        }

        foreach (var variable in result.GetValue(_environment) ?? [])
        {
            var equals = variable.IndexOf('=');
            if (equals < 1)
            {
                throw new CommandFailure(ExitCodes.Usage, $"'{variable}' is no environment variable.", "Expected NAME=VALUE, for example --env SIZE=200.");
            }

            Section(manifest, "env").Children[new YamlScalarNode(variable[..equals])] = new YamlScalarNode(variable[(equals + 1)..]);
            any = true;
        }

        return any;
    }

    private static YamlMappingNode Section(YamlMappingNode manifest, string key)
    {
        if (manifest.Children.TryGetValue(new YamlScalarNode(key), out var value) && value is YamlMappingNode section)
        {
            return section;
        }

        section = [];
        manifest.Children[new YamlScalarNode(key)] = section;
        return section;
    }
}
