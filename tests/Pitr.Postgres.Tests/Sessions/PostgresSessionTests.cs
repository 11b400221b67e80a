using Npgsql;
using Pitr.Format.Wal;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Sessions;
using Pitr.Postgres.Tests.Servers;

namespace Pitr.Postgres.Tests.Sessions;

[Collection(ArchivingClusterCollection.Name)]
public class PostgresSessionTests(ArchivingCluster server)
{
    const string Password = "s3cr;t'x";

    [Fact]
    public async Task Reads_facts()
    {
        await using var session = await server.OpenAsync();

        var facts = await session.ReadFactsAsync();

        var control = ControlFile.ReadFrom(server.Cluster.DataDirectory);
        Assert.Equal(15, facts.MajorVersion);
        Assert.Equal(control.SystemIdentifier, facts.SystemIdentifier);
        Assert.Equal(new Timeline(1), facts.Timeline);
        Assert.Equal(WalSegmentSize.Default, facts.WalSegmentSize);
        Assert.Equal(8192, facts.PageSize);
        Assert.True(facts.DataChecksums);
        Assert.False(facts.InRecovery);
        Assert.Equal(server.Cluster.DataDirectory, facts.DataDirectory);
        Assert.True(facts.CurrentLsn > control.RedoLsn);
        Assert.True(facts.PostmasterStart < facts.Now);
    }

    [Fact]
    public async Task Reads_facts_without_special_rights()
    {
        await using (var session = await server.OpenAsync())
        {
            await session.ExecuteAsync("CREATE ROLE humble LOGIN");
        }

        await using var humble = await PostgresSession.OpenAsync(server.Cluster.ConnectionString(user: "humble"));
        var facts = await humble.ReadFactsAsync();

        Assert.Null(facts.DataDirectory);
        var error = await Assert.ThrowsAsync<ServerException>(() => humble.SwitchWalAsync());
        Assert.Equal("42501", error.SqlState);
        Assert.Contains("superuser", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_settings()
    {
        await using var session = await server.OpenAsync();

        var settings = await session.ReadSettingsAsync("archive_mode", "archive_timeout", "wal_segment_size", "no_such_setting");

        Assert.Equal(3, settings.Count);
        Assert.Equal(new ServerSetting("archive_mode", "on", null, "postmaster", false, "configuration file"), settings["archive_mode"]);
        Assert.True(settings["archive_mode"].NeedsRestart);
        Assert.Equal(new ServerSetting("archive_timeout", "0", "s", "sighup", false, "default"), settings["archive_timeout"]);
        Assert.False(settings["archive_timeout"].NeedsRestart);
    }

    [Fact]
    public async Task Reads_tablespaces()
    {
        using var directory = new TestDirectory();
        await using var session = await server.OpenAsync();
        Assert.Empty(await session.ReadTablespacesAsync());
        await session.ExecuteAsync($"CREATE TABLESPACE \"far away\" LOCATION '{directory.NewSub("far")}'");
        try
        {
            var tablespace = Assert.Single(await session.ReadTablespacesAsync());
            Assert.Equal("far away", tablespace.Name);
            Assert.Equal(directory.Sub("far"), tablespace.Location);
            Assert.True(Directory.Exists(Path.Combine(server.Cluster.DataDirectory, $"pg_tblspc/{tablespace.Oid}")));
        }
        finally
        {
            await session.ExecuteAsync("DROP TABLESPACE \"far away\"");
        }
    }

    [Fact]
    public async Task Switches_WAL_also_when_nothing_was_written()
    {
        await using var session = await server.OpenAsync();
        var first = await session.SwitchWalAsync();
        var second = await session.SwitchWalAsync();
        var third = await session.SwitchWalAsync();

        Assert.Equal(first.Next(WalSegmentSize.Default), second);
        Assert.Equal(second.Next(WalSegmentSize.Default), third);
        await Eventually.IsTrueAsync(
            () => Task.FromResult(File.Exists(Path.Combine(server.ArchiveDirectory, third.ToString()))),
            $"{third} archived");
        await Eventually.IsTrueAsync(
            async () => (await session.ReadArchiverAsync()).LastArchivedWal is { } last && string.CompareOrdinal(last, third.ToString()) >= 0,
            "the archiver reports it");
        var archiver = await session.ReadArchiverAsync();
        Assert.False(archiver.IsFailing);
        Assert.True(archiver.ArchivedCount >= 3);
        Assert.Null(archiver.LastFailedWal);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData(";CommandTimeout=5", 5)]
    [InlineData(";command timeout=30", 30)]
    public async Task Lets_commands_take_their_time_unless_told_otherwise(string setting, int seconds)
    {
        await using var session = await PostgresSession.OpenAsync(server.Cluster.ConnectionString() + setting);
        Assert.Equal(seconds, session.Connection.CommandTimeout);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("")]
    [InlineData("it's \"odd\" \\ back\\slash, comma # hash %f")]
    public async Task Alters_and_resets_settings(string value)
    {
        await using var session = await server.OpenAsync();
        await session.AlterSystemAsync("cluster_name", value);
        await session.AlterSystemAsync("restore_command", value);
        await session.ReloadAsync();
        await Eventually.IsTrueAsync(
            async () => (await session.ReadSettingsAsync("restore_command"))["restore_command"].Value == value,
            "the new value is in effect");
        Assert.Equal(value.Length > 0, (await session.ReadSettingsAsync("cluster_name"))["cluster_name"].PendingRestart);

        await session.AlterSystemAsync("cluster_name", null);
        await session.AlterSystemAsync("restore_command", null);
        await session.ReloadAsync();
        await Eventually.IsTrueAsync(
            async () => (await session.ReadSettingsAsync("restore_command"))["restore_command"].Source == "default",
            "the default is back");
    }

    [Fact]
    public async Task Names_the_setting_the_server_does_not_know()
    {
        await using var session = await server.OpenAsync();
        var error = await Assert.ThrowsAsync<ServerException>(() => session.AlterSystemAsync("no\"such; DROP TABLE x", "1"));
        Assert.Contains("no\"such; DROP TABLE x", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sums_up_all_databases()
    {
        await using var session = await server.OpenAsync();
        Assert.InRange(await session.DatabaseBytesAsync(), 15_000_000, 1_000_000_000);
    }

    [Fact]
    public async Task Reports_no_recovery_on_a_primary()
    {
        await using var session = await server.OpenAsync();
        Assert.Equal(new ReplayState(InRecovery: false, IsPaused: false, LastReplayed: null, LastTransaction: null), await session.ReadReplayAsync());
    }

    [Fact]
    public async Task Says_why_it_cannot_connect_without_the_password()
    {
        var settings = new NpgsqlConnectionStringBuilder(server.Cluster.ConnectionString()) { Password = Password };

        var noDatabase = await Assert.ThrowsAsync<ServerException>(() => PostgresSession.OpenAsync(With(settings, s => s.Database = "nowhere")));
        Assert.Contains("nowhere", noDatabase.Message, StringComparison.Ordinal);
        Assert.Equal("3D000", noDatabase.SqlState);

        var noUser = await Assert.ThrowsAsync<ServerException>(() => PostgresSession.OpenAsync(With(settings, s => s.Username = "nobody here")));
        Assert.Contains("nobody here", noUser.Message, StringComparison.Ordinal);

        var noServer = await Assert.ThrowsAsync<ServerException>(() => PostgresSession.OpenAsync(With(settings, s => s.Port = 1)));
        Assert.Contains("port 1", noServer.Message, StringComparison.Ordinal);
        Assert.NotNull(noServer.Hint);

        foreach (var error in (ServerException[])[noDatabase, noUser, noServer])
        {
            Assert.DoesNotContain(Password, error.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Says_that_the_password_is_wrong()
    {
        var hba = Path.Combine(server.Cluster.DataDirectory, "pg_hba.conf");
        var before = await File.ReadAllTextAsync(hba);
        await using var session = await server.OpenAsync();
        await session.ExecuteAsync("CREATE ROLE locked LOGIN PASSWORD 'right'");
        await File.WriteAllTextAsync(hba, $"local all locked scram-sha-256\n{before}");
        await session.ReloadAsync();
        try
        {
            var settings = new NpgsqlConnectionStringBuilder(server.Cluster.ConnectionString(user: "locked")) { Password = Password };
            ServerException? error = null;
            await Eventually.IsTrueAsync(
                async () =>
                {
                    error = await Record.ExceptionAsync(async () => await (await PostgresSession.OpenAsync(settings.ConnectionString)).DisposeAsync()) as ServerException;
                    return error is not null;
                },
                "the server asks for a password");
            Assert.Equal("28P01", error!.SqlState);
            Assert.Contains("password", error.Hint, StringComparison.Ordinal);
            Assert.DoesNotContain(Password, error.ToString(), StringComparison.Ordinal);

            await using var right = await PostgresSession.OpenAsync(With(settings, s => s.Password = "right"));
        }
        finally
        {
            await File.WriteAllTextAsync(hba, before);
            await session.ReloadAsync();
        }
    }

    [Theory]
    [InlineData($"Host=/tmp;Password={Password}")]
    [InlineData($"Host=/tmp;Port=many;Password={Password}")]
    [InlineData($"Password='{Password}")]
    [InlineData("Username=postgres;Password=s3cr")]
    [InlineData("")]
    public async Task Refuses_malformed_connection_strings_without_repeating_them(string text)
    {
        var error = await Assert.ThrowsAsync<ServerException>(() => PostgresSession.OpenAsync(text));
        Assert.NotNull(error.Hint);
        Assert.DoesNotContain("s3cr", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("t'x", error.ToString(), StringComparison.Ordinal);
    }

    static string With(NpgsqlConnectionStringBuilder settings, Action<NpgsqlConnectionStringBuilder> change)
    {
        var copy = new NpgsqlConnectionStringBuilder(settings.ConnectionString);
        change(copy);
        return copy.ConnectionString;
    }
}
