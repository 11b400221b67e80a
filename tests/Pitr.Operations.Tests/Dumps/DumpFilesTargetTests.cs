using Pitr.Operations.Repositories;
using Pitr.Operations.Dumps;
using Pitr.Operations.Errors;

namespace Pitr.Operations.Tests.Dumps;

/// <summary>Dumps that come into a directory as they were written.</summary>
public sealed class DumpFilesTargetTests : IDisposable
{
    readonly string _above = Directory.CreateTempSubdirectory("pitr-dump-files-").FullName;

    string Target => Path.Combine(_above, "back");

    public void Dispose() => Directory.Delete(_above, recursive: true);

    [Theory]
    [InlineData("orders.dump", "orders.dump")]
    [InlineData("odd \"name\".dump", "odd \"name\".dump")]
    [InlineData("주문.dump", "주문.dump")]
    [InlineData("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd")]
    [InlineData("/etc/passwd", "%2Fetc%2Fpasswd")]
    [InlineData(".", "%2E")]
    [InlineData("..", "%2E.")]
    [InlineData("a%2Fb", "a%252Fb")]
    [InlineData("a\nb\0c", "a%0Ab%00c")]
    public void No_name_leads_out_of_the_directory(string stream, string file) => Assert.Equal(file, DumpFilesTarget.FileName(stream));

    [Theory]
    [InlineData("")]
    [InlineData("가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사아자차카타파하")]
    public void What_no_file_can_be_named_is_refused(string stream) => Assert.Throws<RefusedInputException>(() => DumpFilesTarget.FileName(stream));

    [Fact]
    public async Task Every_stream_is_a_file_of_its_own_that_only_its_owner_reads()
    {
        await using var world = await DumpWorld.StartAsync();
        await world.DumpAsync();
        await using var target = new DumpFilesTarget();
        var restore = new DumpRestore(world.Open(), target);
        var plan = await restore.PlanAsync(null, new DumpSelection(null, null) { Directory = Target }, default);
        Assert.False(Directory.Exists(Target));

        await restore.RunAsync(plan, null, default);

        Assert.Equal(["big", "small"], Directory.GetFileSystemEntries(Target).Select(Path.GetFileName).Order());
        Assert.Equal("hello\n", await File.ReadAllTextAsync(Path.Combine(Target, "small")));
        Assert.Equal(plan.Manifest.Streams[0].Bytes, new FileInfo(Path.Combine(Target, "big")).Length);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(Target, "big")));
        await Assert.ThrowsAsync<ConflictException>(() => restore.PlanAsync(null, new DumpSelection(null, null) { Directory = Target }, default));
        await Assert.ThrowsAsync<RefusedInputException>(() => restore.PlanAsync(null, new DumpSelection(null, "x") { Directory = Target + "2" }, default));
    }

    [Fact]
    public async Task A_missing_part_leaves_nothing_and_says_what_next()
    {
        await using var world = await DumpWorld.StartAsync();
        var dump = await world.DumpAsync();
        // The part of the second stream: the first is in the directory by then.
        var last = (await world.Scenario.KeysAsync(1)).Where(k => DumpObjects.IsPart(k, out _, out _) && char.IsAsciiDigit(k[^1])).Order(StringComparer.Ordinal).Last();
        await world.Scenario.Stores[0].DeleteAsync(last, default);
        await using var target = new DumpFilesTarget();
        var restore = new DumpRestore(world.Open(), target);
        var plan = await restore.PlanAsync(null, new DumpSelection(null, null) { Directory = Target }, default);

        var error = await Assert.ThrowsAsync<DamagedRepositoryException>(() => restore.RunAsync(plan, null, default));

        Assert.Contains(last, error.Message, StringComparison.Ordinal);
        Assert.Contains("pitr info", error.Hint, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Target), $"{dump.Id} left something");
    }

    [Fact]
    public async Task What_somebody_else_has_put_there_stays()
    {
        await using var world = await DumpWorld.StartAsync();
        await world.DumpAsync();
        await using var target = new DumpFilesTarget();
        var restore = new DumpRestore(world.Open(), target);
        var plan = await restore.PlanAsync(null, new DumpSelection(null, null) { Directory = Target }, default);
        Directory.CreateDirectory(Target);
        await File.WriteAllTextAsync(Path.Combine(Target, "small"), "somebody's");

        await Assert.ThrowsAsync<RefusedInputException>(() => restore.RunAsync(plan, null, default));

        Assert.Equal(["small"], Directory.GetFileSystemEntries(Target).Select(Path.GetFileName));
        Assert.Equal("somebody's", await File.ReadAllTextAsync(Path.Combine(Target, "small")));
    }
}
