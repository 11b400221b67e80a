using Pitr.Operations.Configuration;
using Pitr.Operations.Errors;
using Pitr.Operations.Extract;
using Pitr.Postgres;
using Pitr.Postgres.Dumps;

namespace Pitr.Operations.Tests.Extract;

/// <summary>A pg_dump that fails at its very end leaves nothing that could be taken for a dump. Scripts stand in for the programs: real ones do not fail when told.</summary>
public sealed class FailingDumpTests : IDisposable
{
    const string Server = "Host=/nowhere;Username=me;Database=shop";

    static readonly Dictionary<string, string> NoPrograms = [];
    static readonly PostgresServiceSettings Service = new("main", ["local"], ObjectiveSettings.Default, RetentionSettings.Default);

    readonly string _directory = Directory.CreateTempSubdirectory("pitr-dump-").FullName;

    string this[string name] => Path.Combine(_directory, name);

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(DumpFormat.Custom)]
    [InlineData(DumpFormat.Directory)]
    public async Task No_file_appears_and_an_older_one_stays(DumpFormat format)
    {
        var dump = Program("pg_dump", """
            for a; do case $a in --file=*) to=${a#--file=};; --format=directory) d=1;; esac; done
            if [ -n "$d" ]; then mkdir "$to"; to=$to/toc.dat; fi
            echo half >"$to"; echo 'pg_dump: error: no more' >&2; exit 1
            """);
        var path = this["x"];
        var destination = new DumpFile(path, format, overwrite: true, TimeProvider.System);
        var error = await Assert.ThrowsAsync<ServerException>(() => destination.TakeAsync(Options(dump), NoPrograms, _ => { }, default));
        Assert.Contains("no more", error.Message, StringComparison.Ordinal);
        Assert.Equal([dump], Directory.GetFileSystemEntries(_directory));

        if (format == DumpFormat.Custom)
        {
            await File.WriteAllTextAsync(path, "an older one");
            await Assert.ThrowsAsync<ServerException>(() => destination.TakeAsync(Options(dump), NoPrograms, _ => { }, default));
            Assert.Equal("an older one", await File.ReadAllTextAsync(path));
        }
    }

    [Fact]
    public async Task A_stream_does_not_get_the_end()
    {
        var dump = Program("pg_dump", "head -c 1000000 /dev/zero; printf end; exit 1");
        using var taken = new MemoryStream();
        await Assert.ThrowsAsync<ServerException>(() => new DumpStream(taken, DumpFormat.Custom).TakeAsync(Options(dump), NoPrograms, _ => { }, default));
        Assert.InRange(taken.Length, 0, 1_000_002);

        var whole = Program("whole", "head -c 1000000 /dev/zero; printf end");
        taken.SetLength(0);
        Assert.Equal(1_000_003, await new DumpStream(taken, DumpFormat.Custom).TakeAsync(Options(whole), NoPrograms, _ => { }, default));
        Assert.Equal(1_000_003, taken.Length);
    }

    [Fact]
    public async Task A_database_does_not_commit_what_is_not_whole()
    {
        // Commits when the last byte has come, as pg_restore may: it does not wait for the end of its input.
        var restore = Program("pg_restore", $"[ \"$(head -c 500003 | tail -c 3)\" = end ] && touch {this["committed"]}");
        var programs = new Dictionary<string, string> { ["pg_restore"] = restore };
        var target = new TargetDatabase(TargetConnection.Read(Server, Service), noOwner: false, noPrivileges: false);

        var fails = Program("fails", "head -c 500000 /dev/zero; printf end; exit 1");
        await Assert.ThrowsAsync<ServerException>(() => target.TakeAsync(Options(fails), programs, _ => { }, default));
        Assert.False(File.Exists(this["committed"]));

        var whole = Program("whole", "head -c 500000 /dev/zero; printf end");
        await target.TakeAsync(Options(whole), programs, _ => { }, default);
        Assert.True(File.Exists(this["committed"]));
    }

    [Fact]
    public async Task What_stops_reading_is_asked_why()
    {
        var programs = new Dictionary<string, string> { ["pg_restore"] = Program("pg_restore", "echo 'pg_restore: error: role \"x\" does not exist' >&2; exit 1") };
        var dump = Program("pg_dump", "exec head -c 5000000 /dev/zero");
        var target = new TargetDatabase(TargetConnection.Read(Server, Service), noOwner: false, noPrivileges: false);
        var error = await Assert.ThrowsAsync<ServerException>(() => target.TakeAsync(Options(dump), programs, _ => { }, default));
        Assert.Contains("role \"x\" does not exist", error.Message, StringComparison.Ordinal);
        Assert.Contains("--no-owner", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_that_is_no_dump_is_never_replaced()
    {
        Directory.CreateDirectory(this["photos"]);
        await File.WriteAllTextAsync(this["photos/1.jpg"], "");
        var names = new DumpNames([], [], null);
        await Assert.ThrowsAsync<ConflictException>(() => new DumpFile(this["photos"], DumpFormat.Directory, overwrite: true, TimeProvider.System).RequirePossibleAsync(names, default));
        await Assert.ThrowsAsync<ConflictException>(() => new DumpFile(this["photos"], DumpFormat.Custom, overwrite: true, TimeProvider.System).RequirePossibleAsync(names, default));
    }

    [Fact]
    public async Task Looking_whether_it_is_possible_leaves_a_dump_alone_that_is_being_written()
    {
        await File.WriteAllTextAsync(this["x.pitr-partial"], "half");
        await new DumpFile(this["x"], DumpFormat.Custom, overwrite: false, TimeProvider.System).RequirePossibleAsync(new DumpNames([], [], null), default);
        Assert.Equal([this["x.pitr-partial"]], Directory.GetFileSystemEntries(_directory));
    }

    static PgDumpOptions Options(string program) => new() { Program = program, ConnectionString = Server };

    string Program(string name, string script)
    {
        File.WriteAllText(this[name], "#!/bin/sh\n" + script + "\n");
        File.SetUnixFileMode(this[name], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return this[name];
    }
}
