using System.Text.Json;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests.Files;

/// <summary>The systemd journal in backups of files, through the program and the real journalctl, on real journal files.</summary>
public sealed class JournalTests
{
    [Fact]
    public async Task Entries_come_back_as_they_were_and_each_is_stored_once()
    {
        using var host = await FilesHost.CreateAsync();
        var journal = Start(host);
        host.Write("a", "a");
        await journal.AppendAsync("system", 10_000);
        Assert.Contains("the newest entry is of", (await host.RunAsync("-o", "json", "check", FilesHost.Service)).Must().Output, StringComparison.Ordinal);
        (await host.RunAsync("backup", FilesHost.Service)).Must().MustShow("10000 new entries of the systemd journal; the backup holds 10000 entries");
        await journal.AppendAsync("system", 150, bytes: 3_000_000);
        await journal.AppendAsync("user-1000", 60);
        await FilesHost.SettleAsync();
        var second = Of(await host.BackupAsync());
        var third = await host.BackupAsync();

        Assert.Equal((210, 10_210), (second.GetProperty("added").GetInt32(), second.GetProperty("entries").GetInt32()));
        Assert.Equal((0, 10_210), (Of(third).GetProperty("added").GetInt32(), Of(third).GetProperty("entries").GetInt32()));
        Assert.Equal(0, third.GetProperty("packs").GetArrayLength());
        Assert.False(Of(third).TryGetProperty("gaps", out var gaps) && gaps.GetArrayLength() > 0);
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must().MustShow("systemd-journal-remote --output=", "journalctl --file=");
        var expected = await journal.ExportAsync();
        Assert.True(expected.Length > 3_000_000);
        Assert.Equal(expected, RealJournal.Read(host.Directory["to/systemd-journal"]));
        Assert.Equal(expected, await journal.ExportRestoredAsync(host.Directory["to/systemd-journal"]));
        (await host.RunAsync("info", FilesHost.Service)).Must().MustShow("10210 entries of the systemd journal from");
        (await host.RunAsync("info", FilesHost.Service, "--files", "systemd-journal")).Must().MustShow("/systemd-journal/000001_", "/systemd-journal/000002_");
        var info = (await host.RunAsync("info", FilesHost.Service, "--output", "json")).Must().Json.GetProperty("services")[0].GetProperty("backups")[2].GetProperty("journal");
        Assert.Equal((10_210, 2), (info.GetProperty("entries").GetInt32(), info.GetProperty("parts").GetInt32()));
        (await host.RunAsync("verify", FilesHost.Service, "--all")).Must().MustShow("nothing wrong");
        (await host.RunAsync("restore", FilesHost.Service, "--in-place", "--path", host.Tree + "/a", "--path", "/systemd-journal")).Must().MustShow("the journal was left out", "restored 1 files");
    }

    [Fact]
    public async Task What_journald_removed_stays_and_a_gap_is_told()
    {
        using var host = await FilesHost.CreateAsync();
        var journal = Start(host);
        await journal.AppendAsync("system@1", 300);
        await host.BackupAsync();
        await journal.AppendAsync("system@2", 200);
        var whole = await journal.ExportAsync();
        var second = await host.BackupAsync();
        File.Delete(Path.Combine(journal.Directory, "system@1.journal"));
        var third = await host.BackupAsync();
        // The last entry that is stored goes as well.
        File.Delete(Path.Combine(journal.Directory, "system@2.journal"));
        await journal.AppendAsync("system@3", 100);
        var last = (await host.RunAsync("backup", FilesHost.Service)).Must();

        Assert.Equal((200, 500), (Of(second).GetProperty("added").GetInt32(), Of(second).GetProperty("entries").GetInt32()));
        Assert.Equal((0, 500), (Of(third).GetProperty("added").GetInt32(), Of(third).GetProperty("entries").GetInt32()));
        last.MustShow("100 new entries").MustSay("GAP: entries of the journal may be missing after 20");
        (await host.RunAsync("info", FilesHost.Service)).Must().MustShow("600 entries of the systemd journal", "may be missing after");
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["to"])).Must();
        byte[] expected = [.. whole, .. await journal.ExportAsync()];
        Assert.Equal(expected, RealJournal.Read(host.Directory["to/systemd-journal"]));
        // The oldest backups go, and what they stored of the journal stays.
        (await host.RunAsync("expire", FilesHost.Service, "--backup", second.GetProperty("base").GetString()!)).Must();
        (await host.RunAsync("expire", FilesHost.Service, "--backup", second.GetProperty("id").GetString()!)).Must();
        (await host.RunAsync("repo", "gc", FilesHost.Service, "--grace", "0s")).Must();
        (await host.RunAsync("verify", FilesHost.Service, "--all")).Must().MustShow("nothing wrong");
        (await host.RunAsync("restore", FilesHost.Service, "--to", host.Directory["again"])).Must();
        Assert.Equal(expected, RealJournal.Read(host.Directory["again/systemd-journal"]));
    }

    [Fact]
    public async Task Only_what_is_meant_is_taken()
    {
        using var host = await FilesHost.CreateAsync();
        var journal = Start(host);
        await journal.AppendAsync("system", 140);
        host.Configure($"journal: {{ directory: {journal.Directory}, identifiers: [unit1, unit2], matches: [_TRANSPORT=kernel] }}");

        Assert.Equal(20, Of(await host.BackupAsync()).GetProperty("entries").GetInt32());
        host.Configure($"journal: {{ directory: {journal.Directory}, identifiers: [unit3, --file=x] }}");
        await journal.AppendAsync("system", 70);
        var second = Of(await host.BackupAsync());
        // 10 of the new ones, and one of the old that came behind the last that was stored.
        Assert.InRange(second.GetProperty("added").GetInt32(), 10, 11);
        Assert.False(second.TryGetProperty("gaps", out var gaps) && gaps.GetArrayLength() > 0);
        host.Configure($"journal: {{ directory: {journal.Directory}, units: [none.service] }}");
        Assert.Equal(0, Of(await host.BackupAsync()).GetProperty("added").GetInt32());
    }

    [Fact]
    public async Task A_journalctl_that_is_killed_leaves_no_backup()
    {
        using var host = await FilesHost.CreateAsync();
        var journal = Start(host);
        await journal.AppendAsync("system", 20_000);
        var bin = host.Directory.New("bin");
        var script = Path.Combine(bin, "journalctl");
        // The real one, until half of it is through.
        await File.WriteAllTextAsync(script, $"#!/bin/bash\n{RealJournal.Journalctl} \"$@\" | head --bytes=2000000\nkill -9 $$\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        host.Configure($"journal: {{ directory: {journal.Directory}, bin-directory: {bin} }}");

        (await host.RunAsync("backup", FilesHost.Service)).Must(10).MustSay("journalctl ended with exit code 137", "it was killed");

        Assert.False((await host.RunAsync("info", FilesHost.Service, "--output", "json")).Must().Json.GetProperty("services")[0].GetProperty("restorable").GetBoolean());
        host.Configure(journal.Configuration);
        Assert.Equal(20_000, Of(await host.BackupAsync()).GetProperty("entries").GetInt32());
    }

    [Fact]
    public async Task What_keeps_the_journal_from_being_read_is_said_with_the_next_step()
    {
        using var host = await FilesHost.CreateAsync();
        var journal = Start(host);
        var empty = host.Directory.New("empty");
        (await host.RunAsync("backup", FilesHost.Service)).Must(8).MustSay("there is no systemd journal in");
        await journal.AppendAsync("system", 10);
        await journal.AppendAsync("user-1000", 10);
        File.SetUnixFileMode(Path.Combine(journal.Directory, "user-1000.journal"), UnixFileMode.None);
        // journalctl says nothing of it, and exports what it may read.
        (await host.RunAsync("backup", FilesHost.Service)).Must(1).MustSay("user-1000.journal of the systemd journal cannot be read", "group systemd-journal");
        Assert.Contains("cannot be read", (await host.RunAsync("check", FilesHost.Service)).Must(9).Output, StringComparison.Ordinal);
        host.Configure($"journal: {{ directory: {journal.Directory}, bin-directory: {empty} }}");
        (await host.RunAsync("backup", FilesHost.Service)).Must(10).MustSay("no journalctl found", "install systemd");
    }

    static RealJournal Start(FilesHost host)
    {
        var journal = new RealJournal(host.Directory.New("journal"));
        host.Configure(journal.Configuration);
        return journal;
    }

    static JsonElement Of(JsonElement backup) => backup.GetProperty("tree").GetProperty("journal");
}
