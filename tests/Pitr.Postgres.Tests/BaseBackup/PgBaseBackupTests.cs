using System.Text;
using Npgsql;
using Pitr.Format.Wal;
using Pitr.Postgres.BaseBackup;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Programs;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.BaseBackup;

[Collection(ArchivingClusterCollection.Name)]
public class PgBaseBackupTests(ArchivingCluster server)
{
    [Fact]
    public async Task Brings_label_history_and_control_file()
    {
        using var directory = new TestDirectory();
        var target = directory.Sub("data");

        var messages = await BaseBackups.TakeAsync(server.Cluster.BinDirectory, server.Cluster.ConnectionString(), target, label: "it's the weekly one");

        var label = BackupLabel.Parse(await File.ReadAllTextAsync(Path.Combine(target, BackupLabel.FileName)));
        Assert.Equal("it's the weekly one", label.Label);
        Assert.Equal("primary", label.BackupFrom);
        Assert.Equal(ControlFile.ReadFrom(server.Cluster.DataDirectory).SystemIdentifier, ControlFile.ReadFrom(target).SystemIdentifier);
        Assert.Contains(messages, line => line.Contains("checkpoint completed", StringComparison.Ordinal));

        var historyName = WalFileName.ForBackupHistory(label.StartWal, (uint)(label.StartLsn.Value % (16 << 20))).ToString();
        var historyPath = Path.Combine(server.ArchiveDirectory, historyName);
        await Eventually.IsTrueAsync(() => Task.FromResult(File.Exists(historyPath)), $"{historyName} archived");
        var history = BackupHistory.Parse(await File.ReadAllTextAsync(historyPath));
        Assert.Equal(label.StartLsn, history.StartLsn);
        Assert.Equal(label.Label, history.Label);
        Assert.True(history.StopLsn > history.StartLsn);
        Assert.True(File.Exists(Path.Combine(server.ArchiveDirectory, history.StopWal.ToString())), "pg_basebackup waits until the backup's last segment is archived");
    }

    [Fact]
    public async Task Copies_every_file_with_its_mode_and_time()
    {
        using var directory = new TestDirectory();
        var target = directory.Sub("data");
        await BaseBackups.TakeAsync(server.Cluster.BinDirectory, server.Cluster.ConnectionString(), target);

        foreach (var name in (string[])["PG_VERSION", "pg_hba.conf", "base/1/PG_VERSION", "global/pg_filenode.map"])
        {
            var original = new FileInfo(Path.Combine(server.Cluster.DataDirectory, name));
            var copy = new FileInfo(Path.Combine(target, name));
            Assert.Equal(await File.ReadAllBytesAsync(original.FullName), await File.ReadAllBytesAsync(copy.FullName));
            Assert.Equal(original.UnixFileMode, copy.UnixFileMode);
            Assert.Equal(new DateTimeOffset(original.LastWriteTimeUtc).ToUnixTimeSeconds(), new DateTimeOffset(copy.LastWriteTimeUtc).ToUnixTimeSeconds());
        }

        Assert.Empty(Directory.EnumerateFiles(Path.Combine(target, "pg_wal")));
        Assert.False(File.Exists(Path.Combine(target, "postmaster.pid")));
        Assert.False(File.Exists(Path.Combine(target, "backup_manifest")));
    }

    [Fact]
    public async Task Says_why_it_failed_without_the_password()
    {
        const string password = "s3cr;t'x";
        var settings = new NpgsqlConnectionStringBuilder(server.Cluster.ConnectionString(user: "nobody here")) { Password = password };
        await using var backup = PgBaseBackup.Start(Options() with { ConnectionString = settings.ConnectionString });

        Assert.Equal(0, await backup.Output.ReadAsync(new byte[10]));
        var error = await Assert.ThrowsAsync<ServerException>(() => backup.WaitAsync());

        Assert.Contains("role \"nobody here\" does not exist", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(password, error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refuses_a_cluster_with_tablespaces_and_names_the_way_out()
    {
        using var directory = new TestDirectory();
        await using var session = await server.OpenAsync();
        await session.ExecuteAsync($"CREATE TABLESPACE extra LOCATION '{directory.NewSub("extra")}'");
        try
        {
            await using var backup = PgBaseBackup.Start(Options());
            await backup.Output.CopyToAsync(Stream.Null);
            var error = await Assert.ThrowsAsync<ServerException>(() => backup.WaitAsync());
            Assert.Contains("direct", error.Hint, StringComparison.Ordinal);
        }
        finally
        {
            await session.ExecuteAsync("DROP TABLESPACE extra");
        }
    }

    [Fact]
    public async Task Given_up_it_leaves_no_process_and_no_running_backup()
    {
        await using var session = await server.OpenAsync();
        await using (var backup = PgBaseBackup.Start(Options()))
        {
            await backup.Output.ReadExactlyAsync(new byte[4096]);
        }

        await Eventually.IsTrueAsync(
            async () =>
            {
                await using var command = new NpgsqlCommand("SELECT count(*) FROM pg_stat_progress_basebackup", session.Connection);
                return (long)(await command.ExecuteScalarAsync())! == 0;
            },
            "the server gave up the backup");
    }

    [Fact]
    public async Task Never_shows_the_password_to_other_users()
    {
        const string password = "visible-to-none";
        var settings = new NpgsqlConnectionStringBuilder(server.Cluster.ConnectionString()) { Password = password };
        await using var backup = PgBaseBackup.Start(Options() with { ConnectionString = settings.ConnectionString });
        await backup.Output.ReadExactlyAsync(new byte[512]);

        var seen = 0;
        foreach (var process in Directory.EnumerateDirectories("/proc").Where(path => char.IsAsciiDigit(Path.GetFileName(path)[0])))
        {
            var arguments = ReadArguments(process);
            Assert.DoesNotContain(password, arguments, StringComparison.Ordinal);
            seen += arguments.Contains("--wal-method=none", StringComparison.Ordinal) ? 1 : 0;
        }

        Assert.True(seen > 0);
    }

    [Fact]
    public void Translates_connection_strings_for_libpq()
    {
        var environment = new Dictionary<string, string?> { ["PGHOSTADDR"] = "10.0.0.1", ["PGSERVICE"] = "other", ["PATH"] = "/bin" };
        LibpqEnvironment.Apply(
            new NpgsqlConnectionStringBuilder("Host=a:5433,b;Port=5432;Username=u;Password='p w';Database=d;SSL Mode=VerifyFull;Root Certificate=/r;Passfile=/f;Timeout=7"),
            environment);

        Assert.Equal(
            new SortedDictionary<string, string?>
            {
                ["PATH"] = "/bin",
                ["PGAPPNAME"] = "pitr",
                ["PGCONNECT_TIMEOUT"] = "7",
                ["PGDATABASE"] = "d",
                ["PGHOST"] = "a,b",
                ["PGKRBSRVNAME"] = "postgres",
                ["PGPASSFILE"] = "/f",
                ["PGPASSWORD"] = "p w",
                ["PGPORT"] = "5433,5432",
                ["PGSSLMODE"] = "verify-full",
                ["PGSSLROOTCERT"] = "/r",
                ["PGUSER"] = "u",
            },
            new SortedDictionary<string, string?>(environment));
    }

    static string ReadArguments(string process)
    {
        try
        {
            return Encoding.UTF8.GetString(File.ReadAllBytes(Path.Combine(process, "cmdline")));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The process has ended meanwhile.
            return "";
        }
    }

    PgBaseBackupOptions Options() => new()
    {
        BinDirectory = server.Cluster.BinDirectory,
        ConnectionString = server.Cluster.ConnectionString(),
        Label = "test",
    };
}
