using System.Diagnostics;

namespace FaasCluster.Worker.Tests.Sandboxes.DotNet;

/// <summary>Class libraries, built with the SDK of the host and without the network.</summary>
internal static class DotNetProject
{
    /// <summary>Publishes a project and returns the directory of its files.</summary>
    public static async Task<string> PublishAsync(string project, string target)
    {
        var start = new ProcessStartInfo("dotnet", ["publish", project, "-o", target, "-v", "q", "-nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false", "-p:NuGetAudit=false"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, text + await errors);
        return target;
    }

    /// <summary>Publishes one source file as an assembly "Code".</summary>
    public static async Task<string> PublishCodeAsync(string code, string directory)
    {
        var project = Directory.CreateDirectory(Path.Combine(directory, "project")).FullName;
        await File.WriteAllTextAsync(Path.Combine(project, "Code.cs"), code);
        await File.WriteAllTextAsync(
            Path.Combine(project, "Code.csproj"),
            "<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><TargetFramework>net10.0</TargetFramework><ImplicitUsings>enable</ImplicitUsings></PropertyGroup></Project>");
        return await PublishAsync(project, Path.Combine(directory, "published"));
    }

    /// <summary>Publishes a copy of an example: nothing is written beside the original.</summary>
    public static async Task<string> PublishExampleAsync(string example, string directory)
    {
        var project = Directory.CreateDirectory(Path.Combine(directory, "example")).FullName;
        foreach (var file in Directory.GetFiles(example))
        {
            File.Copy(file, Path.Combine(project, Path.GetFileName(file)));
        }

        return await PublishAsync(project, Path.Combine(directory, "example-published"));
    }
}
