using Pitr.Format.Wal;
using Pitr.Operations.Archive;
using Pitr.Operations.Errors;
using Pitr.Storage;
using Pitr.Storage.File;
using Pitr.Storage.Testing;

namespace Pitr.Operations.Tests.Archive;

/// <summary>A file that becomes another one while it is read: PostgreSQL recycles segments by renaming them, and then writes into them.</summary>
public class WalFileTests
{
    const string Name = "000000010000000000000003";

    public static TheoryData<string, Action<string>> Changes => new()
    {
        { "recycled", path => File.Move(path, Path.Combine(Path.GetDirectoryName(path)!, "000000010000000000000099")) },
        { "recycled and in use", path =>
            {
                var later = Path.Combine(Path.GetDirectoryName(path)!, "000000010000000000000099");
                File.Move(path, later);
                File.WriteAllBytes(later, WalSample.Segment("000000010000000000000099"));
            }
        },
        { "replaced", path =>
            {
                File.WriteAllBytes(path + ".new", WalSample.Segment(Name, seed: 9));
                File.Move(path + ".new", path, overwrite: true);
            }
        },
        { "written to", path => File.SetLastWriteTimeUtc(path, new DateTime(2031, 1, 1, 0, 0, 0, DateTimeKind.Utc)) },
        { "cut", path => { using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite); file.SetLength(4096); } },
        { "removed", File.Delete },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public async Task A_file_that_changes_between_its_opening_and_its_last_byte_is_refused(string what, Action<string> change)
    {
        await using var scenario = await Scenario.StartAsync();
        var path = scenario.Write(Name, WalSample.Segment(Name));
        using var file = WalFile.Open(path, WalFileName.Parse(Name));
        var content = new byte[file.Length];
        file.Read(content);

        change(path);

        var error = Assert.Throws<RefusedInputException>(() => file.Read(content));
        Assert.True(error.Message.Contains("while it was read", StringComparison.Ordinal), what);
    }

    [Fact]
    public async Task A_segment_that_is_recycled_during_its_push_is_not_stored()
    {
        await using var scenario = await Scenario.StartAsync();
        var path = scenario.Write(Name, WalSample.Segment(Name));
        // The first push has to make its data key first: in that time the segment is open already.
        var slow = scenario.Store.Inject(StoreFault.Hold(StoreOperation.Put).On(key => key.StartsWith("keys/", StringComparison.Ordinal)));
        var push = scenario.Push.PushAsync(path, default);
        await slow.Reached;
        File.Move(path, Path.Combine(scenario["pg_wal"], "000000010000000000000099"));
        slow.Release();

        await Assert.ThrowsAsync<RefusedInputException>(() => push);

        Assert.Empty(await scenario.KeysAsync(prefix: "services/main/wal/"));
    }

    [Fact]
    public async Task The_result_says_which_file_was_read()
    {
        await using var scenario = await Scenario.StartAsync();
        var path = scenario.Write(Name, WalSample.Segment(Name));

        var result = await scenario.Push.PushAsync(path, default);

        Assert.Equal(FileStamp.Of(path), result.Stamp);
        File.WriteAllBytes(path, WalSample.Segment(Name, seed: 5));
        Assert.NotEqual(FileStamp.Of(path), result.Stamp);
        Assert.Null(FileStamp.Of(path + ".missing"));
    }
}
