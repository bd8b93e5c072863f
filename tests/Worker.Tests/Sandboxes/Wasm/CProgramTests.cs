using FaasCluster.Contracts.Functions;
using FaasCluster.Contracts.Invocations;
using FaasCluster.Contracts.Packages;
using FaasCluster.Processes;

namespace FaasCluster.Worker.Tests.Sandboxes.Wasm;

/// <summary>Real programs with a real C library.</summary>
public sealed class CProgramTests(WasmFixture fixture) : IClassFixture<WasmFixture>
{
    [Fact]
    public async Task Example_ConvertsCsvToJson()
    {
        var revision = await DeployExampleAsync();
        var log = new TestLog();
        var outcome = await fixture.RunAsync(revision, "name,age,note\r\nAda,36,\"says \"\"hi\"\",\nand goes\"\r\nBob,007,\r\n", log);

        Assert.Equal("""[{"name":"Ada","age":36,"note":"says \"hi\",\u000aand goes"},{"name":"Bob","age":"007","note":""}]""" + "\n", SandboxFixture.Text(outcome));
        Assert.Equal("application/json", outcome.Result!.ContentType);
        Assert.Equal("stderr: converted 2 records", log.Text);
    }

    [Fact]
    public async Task Example_GivenWrongData_SaysSoAndIsNotTriedAgain()
    {
        var error = SandboxFixture.Error(await fixture.RunAsync(await DeployExampleAsync(), "a,b\n1\n"), ErrorCode.ProcessExited);

        Assert.Equal("The module exited with status 65. It said: line 2: there are more or fewer fields than names", error.Message);
        Assert.NotNull(error.Advice);
    }

    [Fact]
    public async Task Program_SeesItsPackageReadOnlyAndNothingElse()
    {
        var source = Path.Combine(fixture.Root, "files.c");
        await File.WriteAllTextAsync(
            source,
            """
            #include <dirent.h>
            #include <errno.h>
            #include <fcntl.h>
            #include <stdio.h>
            #include <sys/stat.h>
            #include <time.h>
            #include <unistd.h>
            static void attempt(const char *path, int flags) {
              int file = open(path, flags, 0644);
              printf("%s %s %s\n", path, (flags & O_WRONLY) == O_WRONLY ? "w" : "r", file < 0 ? "no" : "yes");
              if (file >= 0) close(file);
            }
            int main(int count, char **arguments) {
              char line[64];
              struct stat state;
              printf("%s %d\n", arguments[0], count);
              FILE *file = fopen("/var/task/data/greeting.txt", "r");
              while (fgets(line, sizeof line, file)) fputs(line, stdout);
              fseek(file, 6, SEEK_SET);
              printf("at 6: %s", fgets(line, sizeof line, file));
              fstat(fileno(file), &state);
              printf("%d bytes, regular %d\n", (int)state.st_size, S_ISREG(state.st_mode));
              DIR *directory = opendir("/var/task");
              for (struct dirent *entry; (entry = readdir(directory));) printf("%s/%d ", entry->d_name, entry->d_type == DT_DIR);
              puts("");
              attempt("/var/task/data/../main.wasm", O_RDONLY);
              attempt("/var/task/../../etc/passwd", O_RDONLY);
              attempt("/etc/passwd", O_RDONLY);
              attempt("/proc/self/environ", O_RDONLY);
              attempt("/var/task/new", O_WRONLY | O_CREAT);
              attempt("/var/task/data/greeting.txt", O_WRONLY);
              printf("mkdir %d unlink %d\n", mkdir("/var/task/x", 0755), unlink("/var/task/main.wasm"));
              struct timespec pause = {0, 20000000}, before, after;
              clock_gettime(CLOCK_MONOTONIC, &before);
              nanosleep(&pause, 0);
              clock_gettime(CLOCK_MONOTONIC, &after);
              printf("slept %d\n", after.tv_sec - before.tv_sec + (after.tv_nsec - before.tv_nsec) * 1e-9 >= 0.02);
              printf("terminal %d, year %d\n", isatty(1), time(0) > 1700000000);
            }
            """);
        var target = Path.Combine(fixture.Root, "files.wasm");
        await CsvExample.CompileAsync(source, target);
        var package = Directory.CreateDirectory(Path.Combine(fixture.Root, "package")).FullName;
        Directory.CreateDirectory(Path.Combine(package, "data"));
        await File.WriteAllTextAsync(Path.Combine(package, "data/greeting.txt"), "Hello world\nbye\n");
        File.Move(target, Path.Combine(package, "main.wasm"));

        var answer = SandboxFixture.Text(await fixture.RunAsync(fixture.Deploy(RuntimeIds.Wasm, "main.wasm", PackageBuilder.FromDirectory(package, (_, _) => false))));

        Assert.Equal(
            """
            main.wasm 1
            Hello world
            bye
            at 6: world
            16 bytes, regular 1
            data/1 main.wasm/0 
            /var/task/data/../main.wasm r yes
            /var/task/../../etc/passwd r no
            /etc/passwd r no
            /proc/self/environ r no
            /var/task/new w no
            /var/task/data/greeting.txt w no
            mkdir -1 unlink -1
            slept 1
            terminal 0, year 1

            """,
            answer);
    }

    [Fact]
    public async Task Allocations_ThatFail_AreOutOfMemory()
    {
        var source = Path.Combine(fixture.Root, "bomb.c");
        await File.WriteAllTextAsync(source, "#include <stdlib.h>\n#include <string.h>\nchar *volatile kept; int main(void) { for (;;) { if (!(kept = malloc(1 << 20))) abort(); memset(kept, 1, 1 << 20); } }");
        var target = Path.Combine(fixture.Root, "bomb.wasm");
        await CsvExample.CompileAsync(source, target);

        var outcome = await fixture.RunAsync(fixture.Wasm(await File.ReadAllBytesAsync(target), manifest => manifest with { MemoryBytes = 64L << 20 }));

        SandboxFixture.Error(outcome, ErrorCode.OutOfMemory);
        Assert.InRange(outcome.PeakMemoryBytes!.Value, 60L << 20, 64L << 20);
    }

    private async Task<FunctionRevision> DeployExampleAsync() =>
        fixture.Deploy(RuntimeIds.Wasm, "csv2json.wasm", PackageBuilder.FromFile("csv2json.wasm", await File.ReadAllBytesAsync(await CsvExample.BuildAsync(fixture.Root))));
}
