using System.Diagnostics;
using Pitr.Operations.Errors;
using Pitr.Operations.Restore;
using Pitr.Operations.Restore.InPlace;

namespace Pitr.Operations.Tests.Restore;

/// <summary>The parts of a restore in place that need no server: what is moved, the journal, who may not be disturbed.</summary>
public sealed class InPlaceTests : IDisposable
{
    const string Id = "20261121T030000Z";

    readonly string _root = Directory.CreateTempSubdirectory("pitr-in-place-").FullName;

    string Data => Path.Combine(_root, "data");

    string Space => Path.Combine(_root, "space");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_cluster_goes_aside_and_comes_back_with_its_tablespaces_and_nothing_of_others()
    {
        MakeCluster();
        var journal = Journal(InPlacePhase.Restoring);

        Assert.Equal([Data, $"{Space}/PG_15_202209061"], journal.Moves.Select(m => m.Place));
        ClusterSwap.RequirePossible(Data, journal.Moves);
        ClusterSwap.MoveAside(journal);
        // Again, as after a kill.
        ClusterSwap.MoveAside(journal);
        Assert.True(journal.IsMoved);
        Assert.True(Directory.Exists($"{Space}/PG_14_202107181"));
        Assert.False(Directory.Exists(Data));
        Directory.CreateDirectory(Path.Combine(Data, "new"));

        var failed = ClusterSwap.PutBack(journal);

        Assert.Equal([$"{Data}.failed-{Id}"], failed);
        Assert.True(Directory.Exists($"{Data}.failed-{Id}/new"));
        Assert.True(File.Exists(Path.Combine(Data, "PG_VERSION")));
        Assert.True(Directory.Exists($"{Space}/PG_15_202209061"));
        Assert.Empty(Directory.EnumerateDirectories(Space, "*.before-*"));
        // Nothing is left to be put back, and what is in place stays.
        ClusterSwap.PutBack(journal);
        Assert.True(File.Exists(Path.Combine(Data, "PG_VERSION")));
    }

    [Fact]
    public void A_mount_point_cannot_be_moved_aside()
    {
        var error = Assert.Throws<ImpossiblePlanException>(() => ClusterSwap.RequirePossible("/proc", [new InPlaceMove("/proc", "/proc.before")]));

        Assert.Contains("/proc is a mount point", error.Message, StringComparison.Ordinal);
        Assert.Contains("--to /proc --delta", error.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void WAL_on_a_mount_point_cannot_either()
    {
        MakeCluster();
        Directory.CreateSymbolicLink(LinkedWal.PathIn(Data), "/proc");
        var moves = ClusterSwap.Moves(Data, Id);

        Assert.Equal([Data, "/proc", $"{Space}/PG_15_202209061"], moves.Select(m => m.Place));
        Assert.Contains("let the link lead there", Assert.Throws<ImpossiblePlanException>(() => ClusterSwap.RequirePossible(Data, moves)).Hint, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_link_of_pg_wal_is_made_again_and_taken_back_and_never_over_files(bool relative)
    {
        MakeCluster();
        var place = Path.Combine(_root, "elsewhere", "wal");
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        Directory.CreateSymbolicLink(LinkedWal.PathIn(Data), relative ? "../elsewhere/wal" : place);
        var wal = LinkedWal.Find(Data)!;
        Assert.Equal(place, wal.Directory);

        // As a restore makes it: a directory, with one in it.
        File.Delete(LinkedWal.PathIn(Data));
        Directory.CreateDirectory(Path.Combine(LinkedWal.PathIn(Data), "archive_status"));
        wal.Put(Data);
        Assert.Equal(wal, LinkedWal.Find(Data));
        Assert.True(Directory.Exists(Path.Combine(place, "archive_status")));

        wal.TakeBack(Data);
        Assert.False(Directory.Exists(place) || Directory.Exists(LinkedWal.PathIn(Data)));
        // Interrupted between the two.
        Directory.CreateDirectory(Path.Combine(place, "archive_status"));
        Directory.CreateDirectory(LinkedWal.PathIn(Data));
        wal.Put(Data);
        File.WriteAllText(Path.Combine(place, "000000010000000000000001"), "");
        Assert.Throws<ImpossiblePlanException>(() => wal.TakeBack(Data));
        Assert.True(File.Exists(Path.Combine(place, "000000010000000000000001")));
    }

    [Fact]
    public void The_journal_says_what_was_asked_for_and_keeps_others_away()
    {
        Directory.CreateDirectory(Data);
        InPlaceJournal.RequireNone(Data);
        Assert.Null(InPlaceJournal.TryRead(Data));

        var journal = Journal(InPlacePhase.Stopping).Enter(InPlacePhase.Starting);
        var read = InPlaceJournal.TryRead(Data)!;
        Assert.Equal((InPlacePhase.Starting, "latest", true, false), (read.Phase, read.Request, read.ServerRan, read.IsRollingBack));
        Assert.Contains("--in-place --roll-back", Assert.Throws<ImpossiblePlanException>(() => ClusterRestore.RequirePossible(Data, RestoreMode.Delta)).Hint, StringComparison.Ordinal);

        journal = journal.EnterRollBack();
        Assert.True(InPlaceJournal.TryRead(Data)!.IsRollingBack);
        journal.Remove();
        Assert.Null(InPlaceJournal.TryRead(Data));

        // One that succeeded keeps nobody away, and tells the way back while the old cluster is there.
        journal = Journal(InPlacePhase.Starting).Enter(InPlacePhase.Starting);
        ClusterSwap.MoveAside(journal);
        journal.Keep();
        InPlaceJournal.RequireNone(Data);
        var kept = InPlaceJournal.TryReadKept(Data)!;
        Assert.Equal((InPlacePhase.Done, $"{Data}.undone-{Id}"), (kept.Phase, kept.Failed(Data)));
        Directory.Delete(kept.Moves[0].Aside);
        Assert.Null(InPlaceJournal.TryReadKept(Data));
        InPlaceJournal.Forget(Data);

        File.WriteAllText(InPlaceJournal.PathOf(Data), "{ \"format\": 1");
        Assert.Contains(".before-", Assert.Throws<ImpossiblePlanException>(() => InPlaceJournal.TryRead(Data)).Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_that_a_running_Patroni_manages_is_left_alone()
    {
        MakeCluster();
        PatroniCluster.RequireNone(Data);
        File.WriteAllText(Path.Combine(Data, "patroni.dynamic.json"), "{}");
        using var patroni = Process.Start(new ProcessStartInfo("/bin/bash", ["-c", "exec -a /usr/bin/patroni sleep 600"]) { UseShellExecute = false })!;
        try
        {
            ImpossiblePlanException? error = null;
            await Eventually.UntilAsync(() => (error = Record.Exception(() => PatroniCluster.RequireNone(Data)) as ImpossiblePlanException) is not null);
            Assert.Contains("docs/patroni.md", error!.Hint, StringComparison.Ordinal);
        }
        finally
        {
            patroni.Kill();
            await patroni.WaitForExitAsync();
        }
    }

    // With a tablespace that another version shares.
    void MakeCluster()
    {
        Directory.CreateDirectory(Path.Combine(Data, "pg_tblspc"));
        File.WriteAllText(Path.Combine(Data, "PG_VERSION"), "15\n");
        Directory.CreateDirectory($"{Space}/PG_15_202209061");
        Directory.CreateDirectory($"{Space}/PG_14_202107181");
        Directory.CreateSymbolicLink(Path.Combine(Data, "pg_tblspc", "16385"), Space);
    }

    InPlaceJournal Journal(InPlacePhase phase) => new()
    {
        Id = Id,
        Service = "main",
        DataDirectory = Data,
        Request = "latest",
        Phase = phase,
        ServerRan = true,
        Moves = ClusterSwap.Moves(Data, Id),
        Made = [],
    };
}
