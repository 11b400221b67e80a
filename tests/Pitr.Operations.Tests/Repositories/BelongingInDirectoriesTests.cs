using System.Diagnostics;
using System.Net.Sockets;
using Pitr.Operations.Repositories.Belonging;
using Pitr.Operations.Services;
using Pitr.Operations.Verify;
using Pitr.Storage;
using Pitr.Storage.File;
using Xunit;

namespace Pitr.Operations.Tests.Repositories;

/// <summary>What only a file system has: links, sockets, modes, owners, names that are no text, unfinished objects.</summary>
public sealed class BelongingInDirectoriesTests : IAsyncLifetime
{
    readonly string _root = Directory.CreateTempSubdirectory("pitr-belonging-").FullName;

    FileObjectStore Store => new("r1", _root);

    public async Task InitializeAsync() => await RepositorySet.InitialiseAsync(Store, TimeProvider.System, default);

    public Task DisposeAsync()
    {
        // Not by the base library, which has no name for what is no text.
        Run("rm", "-rf", _root);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Links_sockets_and_pipes_are_found_and_not_followed()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "link"), "/etc/passwd");
        Directory.CreateSymbolicLink(Path.Combine(_root, "services"), "/usr");
        Run("mkfifo", Path.Combine(_root, "pipe"));
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(Path.Combine(_root, "socket")));
        Assert.Equal(["NotRegular link", "NotRegular pipe", "NotRegular services", "NotRegular socket"], (await FindAsync()).Where(f => f.StartsWith("NotRegular", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Modes_that_let_others_in_are_found()
    {
        File.SetUnixFileMode(Path.Combine(_root, "repository.json"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        var keys = Directory.CreateDirectory(Path.Combine(_root, "keys")).FullName;
        File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupWrite);
        Assert.Equal(["Exposed keys", "Exposed repository.json"], await FindAsync());
        // A group that reads is how backups of backups are made.
        File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute);
        Assert.Equal(["Exposed repository.json"], await FindAsync());
    }

    [Fact]
    public async Task An_owner_other_than_the_directorys_is_found()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            // Only root can give a file away; what is one's own must not be found.
            Assert.Empty(await FindAsync());
            return;
        }

        Run("chown", "65534", Path.Combine(_root, "repository.json"));
        Assert.Equal(["ForeignOwner repository.json"], await FindAsync());
    }

    [Fact]
    public async Task Unfinished_objects_are_leftovers_after_a_day()
    {
        var (old, young) = (Path.Combine(_root, ".tmp-old"), Path.Combine(_root, ".tmp-young"));
        foreach (var path in new[] { old, young })
        {
            await File.WriteAllTextAsync(path, "PITRSEAL");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        File.SetLastWriteTimeUtc(old, TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-25));
        var report = await LookAsync();
        Assert.Equal((".tmp-old", FindingKind.Leftover, 1L, 1L), (report.Findings[0].Object, report.Findings[0].Kind, report.FindingCount, report.Unfinished));
    }

    [Fact]
    public async Task Names_that_no_key_can_have_are_shown_so_that_they_can_be_read()
    {
        Run("/bin/sh", "-c", $"cd {_root} && umask 077 && touch \"$(printf 'bad\\377name')\" && touch \"$(printf 'two\\nlines')\"");
        var found = await FindAsync();
        Assert.Contains("NotRegular bad\\xFFname", found);
        Assert.Contains("UnexpectedName two\\x0Alines", found);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_read_is_unknown()
    {
        if (Environment.IsPrivilegedProcess)
        {
            // Root reads everything.
            Assert.True((await LookAsync()).Passed);
            return;
        }

        var keys = Directory.CreateDirectory(Path.Combine(_root, "keys")).FullName;
        File.SetUnixFileMode(keys, UnixFileMode.None);
        var report = await LookAsync();
        File.SetUnixFileMode(keys, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal((0, 1, false, "keys"), (report.FindingCount, report.Unknown, report.Passed, report.Unknowns[0].Name));
    }

    async Task<IEnumerable<string>> FindAsync() => (await LookAsync()).Findings.Select(f => $"{f.Kind} {f.Object}").Order(StringComparer.Ordinal);

    Task<BelongingReport> LookAsync() => new BelongingRun(Store, new FileTree("r1", _root, TimeProvider.System), TimeProvider.System).RunAsync(new BelongingOptions(), null, default);

    static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
