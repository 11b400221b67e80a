using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;

namespace Pitr.EndToEnd.Tests;

/// <summary>Targets and directories that a restore cannot serve are refused before the first byte, with what is possible instead.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed partial class TargetTests(ProtectedService service) : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    string To => _directory["to"];

    Task<ProgramRun> RestoreAsync(params string[] arguments) => service.Host.RunAsync(["restore", "main", "--to", To, .. arguments]);

    [Fact]
    public async Task A_moment_before_the_first_backup_is_refused_with_the_earliest_possible_one()
    {
        foreach (var moment in new[] { service.BeforeBackup, service.BeforeBackup.AddYears(-1) })
        {
            var refused = (await RestoreAsync("--target-time", moment.ToString("yyyy-MM-dd HH:mm:ss.ffffffzzz", CultureInfo.InvariantCulture))).Must(8).MustSay(service.Backup);
            var earliest = TargetTime().Match(refused.Errors).Groups["time"].Value;
            (await RestoreAsync("--target-time", earliest, "--dry-run")).Must();
        }

        (await RestoreAsync("--target-lsn", "0/1000028")).Must(8).MustSay("--target immediate");
        Assert.False(Directory.Exists(To));
    }

    [Fact]
    public async Task A_moment_after_the_last_commit_is_refused_with_the_last_possible_one()
    {
        var refused = (await RestoreAsync("--target-time", "2099-01-01T00:00:00Z")).Must(8).MustSay("2099", "--target latest");
        var last = (await service.Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services")[0].GetProperty("last-commit").GetString()!;
        refused.MustSay(last[..19]);
        (await RestoreAsync("--target", "latest", "--dry-run")).Must();
        (await RestoreAsync("--target-time", last, "--exclusive", "--dry-run")).Must();
        (await RestoreAsync("--target-lsn", "FF/0")).Must(8).MustSay("--target latest");
        Assert.False(Directory.Exists(To));
    }

    [Fact]
    public async Task A_time_without_zone_is_answered_with_both_readings()
    {
        service.Host.Environment["TZ"] = "Asia/Tokyo";
        try
        {
            (await RestoreAsync("--target-time", "2026-11-21 03:15:00")).Must(1).MustSay("2026-11-21 03:15:00+00", "2026-11-21 03:15:00+09:00", "Asia/Tokyo", "2026-11-20 18:15:00+00");
        }
        finally
        {
            service.Host.Environment.Remove("TZ");
        }

        Assert.False(Directory.Exists(To));
    }

    [Fact]
    public async Task A_directory_that_holds_something_is_left_as_it_is()
    {
        Directory.CreateDirectory(Path.Combine(To, "base"));
        await File.WriteAllTextAsync(Path.Combine(To, "base/1"), "somebody's data");
        var before = TreeState.Of(To);
        (await RestoreAsync()).Must(8).MustSay(To, "not empty", "HINT:");
        (await RestoreAsync("--dry-run")).Must(8);
        Assert.Equal(before, TreeState.Of(To));

        await File.WriteAllTextAsync(_directory["file"], "a file");
        (await service.Host.RunAsync("restore", "main", "--to", _directory["file"])).Must(8).MustSay(_directory["file"]);
    }

    [Fact]
    public async Task A_directory_that_cannot_be_made_is_said()
    {
        Directory.CreateDirectory(_directory["closed"], UnixFileMode.UserRead | UnixFileMode.UserExecute);
        (await service.Host.RunAsync("restore", "main", "--to", _directory["closed/to"])).Must(8).MustSay(_directory["closed/to"], "HINT:");
    }

    [Fact]
    public async Task What_makes_no_sense_is_refused()
    {
        (await RestoreAsync("--target-time", "yesterday")).Must(1).MustSay("yesterday");
        (await RestoreAsync("--target-lsn", "here")).Must(1).MustSay("here");
        (await RestoreAsync("--target-time", service.Then, "--target", "latest")).Must(1).MustSay("more than one target");
        (await RestoreAsync("--target-timeline", "9")).Must(8).MustSay("9");
        (await RestoreAsync("--backup", "20200101T000000Z")).Must(8).MustSay(service.Backup);
        Assert.False(Directory.Exists(To));
    }

    [Fact]
    public async Task The_wrong_identity_is_named()
    {
        var stranger = service.CopyTo(_directory, withIdentity: false);
        (await stranger.RunAsync("key", "new", "--identity", stranger.IdentityFile, "--recipient", _directory["other.pem"])).Must();
        (await stranger.RunAsync("restore", "main", "--to", To)).Must(6).MustSay("identity", "keys/", "HINT:");
        (await stranger.RunAsync("wal", "get", "main", service.FirstSegment, _directory["x"])).Must(126).MustSay("identity");
        Assert.False(File.Exists(Path.Combine(To, "global/pg_control")));
    }

    [Fact]
    public async Task A_gap_in_the_WAL_ends_the_window_and_is_said()
    {
        var machine = service.CopyTo(_directory);
        File.Delete(machine.WalPath(service.FirstSegment));
        var refused = (await machine.RunAsync("restore", "main", "--to", To)).Must(8).MustSay(service.FirstSegment, "gap", "HINT:");
        if (TargetTime().Match(refused.Errors) is { Success: true } possible)
        {
            (await machine.RunAsync("restore", "main", "--to", To, "--target-time", possible.Groups["time"].Value, "--dry-run")).Must();
        }

        (await machine.RunAsync("restore", "main", "--to", To, "--target-time", service.Then)).Must(8).MustSay(service.FirstSegment);
        var timeline = (await machine.RunAsync("--output", "json", "wal", "list")).Must().Json.GetProperty("timelines")[0];
        var gap = Assert.Single(timeline.GetProperty("gaps").EnumerateArray());
        Assert.Equal((service.FirstSegment, service.FirstSegment, 1), (gap.GetProperty("first").GetString()!, gap.GetProperty("last").GetString()!, gap.GetProperty("segments").GetInt32()));

        // What the backup needs to be consistent is still there.
        (await machine.RunAsync("restore", "main", "--to", To, "--target", "immediate", "--dry-run")).Must();
    }

    [System.Text.RegularExpressions.GeneratedRegex("--target-time '(?<time>[^']+)'", System.Text.RegularExpressions.RegexOptions.ExplicitCapture, 1000)]
    private static partial System.Text.RegularExpressions.Regex TargetTime();
}
