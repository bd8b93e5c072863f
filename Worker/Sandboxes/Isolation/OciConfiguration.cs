using System.Buffers;
using System.Globalization;
using System.Text.Json;
using FaasCluster.Worker.Sandboxes.Launch;
using FaasCluster.Worker.Sandboxes.SystemCalls;

namespace FaasCluster.Worker.Sandboxes.Isolation;

/// <summary>
/// The config.json of a bundle (Open Container Initiative, runtime specification 1.0) that looks from within as bubblewrap's does: the
/// same mounts, user, namespaces, and the same filter. Limits are not in it: the launcher has set them when crun starts.
/// </summary>
internal static class OciConfiguration
{
    private const int FunctionUser = 1000;

    private static readonly string[] Namespaces = ["user", "mount", "network", "ipc", "uts", "cgroup"];

    public static byte[] Write(SandboxPlan plan, SandboxOptions options, Defences defences)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("ociVersion", "1.0.0");
            WriteProcess(json, plan);
            json.WriteStartObject("root");
            json.WriteString("path", plan.Root);
            json.WriteBoolean("readonly", defences.ReadOnlyMounts);
            json.WriteEndObject();
            json.WriteString("hostname", "faas");
            WriteMounts(json, plan, options, defences);
            WriteLinux(json, plan, defences);
            if (defences.SystemCalls)
            {
                // Instead of a list of names, which crun would have libseccomp translate: the very program that bubblewrap gets.
                json.WriteStartObject("annotations");
                json.WriteBase64String("run.oci.seccomp_bpf_data", SystemCallFilter.ForThisMachine);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteProcess(Utf8JsonWriter json, SandboxPlan plan)
    {
        json.WriteStartObject("process");
        json.WriteBoolean("terminal", false);
        json.WriteStartObject("user");
        json.WriteNumber("uid", FunctionUser);
        json.WriteNumber("gid", FunctionUser);
        json.WriteEndObject();
        WriteStrings(json, "args", plan.Command);
        WriteStrings(json, "env", plan.FullEnvironment.Select(variable => $"{variable.Key}={variable.Value}"));
        json.WriteString("cwd", RootTree.TaskDirectory);
        json.WriteStartObject("capabilities");
        json.WriteEndObject();
        json.WriteBoolean("noNewPrivileges", true);
        json.WriteEndObject();
    }

    private static void WriteMounts(Utf8JsonWriter json, SandboxPlan plan, SandboxOptions options, Defences defences)
    {
        var readOnly = defences.ReadOnlyMounts ? "ro" : "rw";
        json.WriteStartArray("mounts");
        foreach (var (from, to) in RootTree.Mounts)
        {
            WriteMount(json, to, "bind", from, "rbind", "ro", "nosuid", "nodev");
        }

        WriteMount(json, "/proc", "proc", "proc", "nosuid", "noexec", "nodev", readOnly);
        WriteMount(json, "/dev", "tmpfs", "tmpfs", "nosuid", "noexec", "mode=755", "size=64k", "ro");
        WriteMount(json, "/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620");
        WriteMount(json, "/dev/shm", "tmpfs", "tmpfs", ["nosuid", "nodev", "mode=1777", .. Size(options.SharedMemoryBytes)]);
        WriteMount(json, "/tmp", "tmpfs", "tmpfs", ["nosuid", "nodev", "mode=1777", .. Size(options.TemporaryBytes)]);
        WriteMount(json, RootTree.TaskDirectory, "bind", plan.Task, "bind", readOnly, "nosuid", "nodev");
        json.WriteEndArray();

        string[] Size(long bytes) => defences.FileSizes ? [string.Create(CultureInfo.InvariantCulture, $"size={bytes}")] : [];
    }

    private static void WriteLinux(Utf8JsonWriter json, SandboxPlan plan, Defences defences)
    {
        json.WriteStartObject("linux");
        foreach (var (mappings, host) in new[] { ("uidMappings", plan.UserId), ("gidMappings", plan.GroupId) })
        {
            json.WriteStartArray(mappings);
            json.WriteStartObject();
            json.WriteNumber("containerID", FunctionUser);
            json.WriteNumber("hostID", host);
            json.WriteNumber("size", 1);
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteStartArray("namespaces");
        foreach (var name in Namespaces.Concat(defences.ProcessNamespace ? ["pid"] : []))
        {
            json.WriteStartObject();
            json.WriteString("type", name);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteMount(Utf8JsonWriter json, string destination, string type, string source, params IEnumerable<string> options)
    {
        json.WriteStartObject();
        json.WriteString("destination", destination);
        json.WriteString("type", type);
        json.WriteString("source", source);
        WriteStrings(json, "options", options);
        json.WriteEndObject();
    }

    private static void WriteStrings(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            if (value.Contains('\0'))
            {
                throw new ArgumentException("An environment variable holds a NUL; expected text.", nameof(values));
            }

            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
