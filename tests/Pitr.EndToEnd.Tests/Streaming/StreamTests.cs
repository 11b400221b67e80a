using System.Security.Cryptography;
using Npgsql;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Format.Wal;

namespace Pitr.EndToEnd.Tests.Streaming;

/// <summary>Streaming beside archive_command, and what comes out of the repository.</summary>
public sealed class StreamTests
{
    static readonly WalSegmentSize Small = WalSegmentSize.From(1 << 20);

    [Fact]
    public async Task Archive_and_stream_work_together()
    {
        await using var cluster = await StreamingCluster.CreateAsync(Small, ("wal_keep_size", "1GB"));
        var first = await cluster.ScalarAsync<string>("SELECT pg_walfile_name(pg_current_wal_lsn())");
        var writers = new AcknowledgedWriters(cluster.Cluster.ConnectionString() + ";Pooling=false", TestEnvironment.Seed);
        await using (writers)
        {
            for (var round = 0; round < 25; round++)
            {
                var before = writers.Acknowledged.Count;
                await Eventually.IsTrueAsync(() => writers.Acknowledged.Count > before + 10, () => cluster.Log());
                await cluster.ExecuteAsync("SELECT pg_switch_wal()");
            }
        }

        var last = await cluster.ArchiveEverythingAsync();
        await cluster.EverythingIsStreamedAsync();
        Assert.Equal(0, await cluster.ScalarAsync<long>("SELECT failed_count FROM pg_stat_archiver"));
        Assert.DoesNotContain("interrupted", cluster.AgentLog(), StringComparison.Ordinal);

        // Whoever came first, the object is the file.
        var segments = 0;
        for (var name = WalSegmentName.Parse(first); name <= WalSegmentName.Parse(last); name = name.Next(Small), segments++)
        {
            var got = cluster.Directory["got"];
            (await cluster.Host.RunAsync("wal", "get", PitrHost.Service, name.ToString(), got)).Must();
            Assert.Equal(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(cluster.PgWal, name.ToString()))), SHA256.HashData(await File.ReadAllBytesAsync(got)));
        }

        Assert.True(segments > 25);

        // What is whole has no pieces any more.
        var current = await cluster.ScalarAsync<string>("SELECT pg_walfile_name(pg_current_wal_lsn())");
        await Eventually.IsTrueAsync(
            () => cluster.Pieces().All(p => string.CompareOrdinal(Path.GetFileName(Path.GetDirectoryName(p)), last) > 0), () => $"pieces are gone: {string.Join(' ', cluster.Pieces())}, {current}");
        using var contents = new RepositoryContents(cluster.Host.Repository, cluster.Host.IdentityFile);
        contents.OpenEverything();
    }

    [Fact]
    public async Task Recovery_to_latest_has_what_was_streamed_of_the_last_segment()
    {
        await using var cluster = await StreamingCluster.CreateAsync();
        await cluster.BackupAsync();
        await cluster.ExecuteAsync("INSERT INTO acknowledged SELECT 1, i, 'streamed' FROM generate_series(1, 100) i");
        var moment = await cluster.ScalarAsync<DateTime>("SELECT now() AT TIME ZONE 'UTC'");
        await cluster.EverythingIsStreamedAsync();
        Assert.NotEmpty(cluster.Pieces());

        // The window ends with the last commit, though no segment was archived since.
        var info = (await cluster.Host.RunAsync("--output", "json", "info")).Must().Json.GetProperty("services")[0];
        Assert.True((moment - info.GetProperty("last-commit").GetDateTime().ToUniversalTime()).Duration() < TimeSpan.FromSeconds(30), info.ToString());
        await cluster.DestroyAsync();
        await cluster.Agent!.KillAsync();

        var machine = cluster.OtherMachine("machine");
        await using var restored = await RestoredCluster.StartAsync(machine, cluster.Directory["restored"]);
        Assert.Equal(100, await restored.ScalarAsync<long>("SELECT count(*) FROM acknowledged"));
    }

    [Fact]
    public async Task A_segment_in_pieces_is_given_as_far_as_it_is_known()
    {
        await using var cluster = await StreamingCluster.CreateAsync();
        for (var i = 0; i < 5; i++)
        {
            await cluster.ExecuteAsync($"INSERT INTO acknowledged SELECT {i}, i, md5(i::text) FROM generate_series(1, 500) i");
            await cluster.EverythingIsStreamedAsync();
        }

        await cluster.Agent!.KillAsync();
        var pieces = cluster.Pieces();
        var segment = Path.GetFileName(Path.GetDirectoryName(pieces[^1]))![..24];
        pieces = [.. pieces.Where(p => p.Contains(segment, StringComparison.Ordinal))];
        Assert.True(pieces.Count > 2, string.Join(' ', pieces));
        var written = await File.ReadAllBytesAsync(Path.Combine(cluster.PgWal, segment));
        var got = cluster.Directory["got"];
        await GetAsync(0);
        RequirePrefix(EndOf(pieces[^1]));

        // Without a piece in the middle there is what comes before it.
        var hidden = cluster.Directory["hidden"];
        File.Move(pieces[^2], hidden);
        await GetAsync(0);
        RequirePrefix(EndOf(pieces[^3]));
        File.Move(hidden, pieces[^2]);

        // A damaged one may hold what was acknowledged: that is no end of WAL.
        var content = await File.ReadAllBytesAsync(pieces[^2]);
        content[^20] ^= 1;
        File.Move(pieces[^2], hidden);
        await File.WriteAllBytesAsync(pieces[^2], content);
        (await GetAsync(126)).MustSay("damaged", "HINT:");

        // Another one under its name neither.
        File.Delete(pieces[^2]);
        File.Copy(pieces[^1], pieces[^2]);
        (await GetAsync(126)).MustSay("damaged");
        File.Move(hidden, pieces[^2], overwrite: true);
        await GetAsync(0);

        // A repository that is not there is not an empty one.
        Directory.Move(cluster.Host.Repository, hidden);
        cluster.Host.Environment["PITR_SERVICES__MAIN__WAL__GET_DEADLINE"] = "1s";
        await GetAsync(126);
        cluster.Host.Environment.Remove("PITR_SERVICES__MAIN__WAL__GET_DEADLINE");
        Directory.Move(hidden, cluster.Host.Repository);
        Directory.Delete(Path.GetDirectoryName(pieces[0])!, recursive: true);
        await GetAsync(1);

        async Task<ProgramRun> GetAsync(int code)
        {
            File.Delete(got);
            var run = (await cluster.Host.RunAsync("wal", "get", PitrHost.Service, segment, got)).Must(code);
            Assert.Equal(code == 0, File.Exists(got));
            return run;
        }

        void RequirePrefix(int end)
        {
            var bytes = File.ReadAllBytes(got);
            Assert.Equal(WalSegmentSize.Default.Bytes, bytes.Length);
            Assert.True(bytes.AsSpan(0, end).SequenceEqual(written.AsSpan(0, end)));
            Assert.True(bytes.AsSpan(end).IndexOfAnyExcept((byte)0) < 0, $"zeros after {end}");
        }
    }

    static int EndOf(string piece) => Convert.ToInt32(piece[^8..], 16);
}
