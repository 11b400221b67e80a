using System.Buffers.Binary;
using System.Globalization;
using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;
using Pitr.EndToEnd.Tests.Repositories;
using Pitr.Postgres.Cluster;
using Pitr.Postgres.Wal;

namespace Pitr.EndToEnd.Tests;

/// <summary>
/// `wal push` and `wal get`: real segments and spoiled copies of them. Each test has a repository of its own; with an agent answering and
/// without one the answers are the same.
/// </summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class PushGetTests(ProtectedService service) : IAsyncLifetime
{
    const int SystemIdentifierOffset = 24;

    readonly TestDirectory _directory = new();
    PitrHost? _host;
    RunningProgram? _agent;

    PitrHost Host => _host!;

    string Segment => service.FirstSegment;

    public async Task InitializeAsync()
    {
        _host = new PitrHost(_directory.New("host"), _directory["repository"]);
        (await _host.InitAsync($"Host={_directory.Path}", _directory["data"])).Must();
        _host.WriteConfiguration();
        (await service.Host.RunAsync("wal", "get", "main", Segment, Offered(Segment))).Must();
    }

    public Task DisposeAsync()
    {
        _agent?.Dispose();
        _directory.Dispose();
        return Task.CompletedTask;
    }

    string Offered(string name) => Path.Combine(_directory.New("wal"), name);

    byte[] Content => File.ReadAllBytes(Offered(Segment));

    ulong SystemIdentifier => BinaryPrimitives.ReadUInt64LittleEndian(Content.AsSpan(SystemIdentifierOffset));

    Task<ProgramRun> PushAsync(string name) => Host.ArchiveAsync("push", "main", Offered(name));

    Task<ProgramRun> GetAsync(string name, params string[] more) => Host.ArchiveAsync(["get", "main", name, _directory["got"], .. more]);

    async Task UseAgentAsync(bool agent)
    {
        _agent?.Dispose();
        _agent = agent ? await Host.StartAgentAsync() : null;
    }

    // An unknown answer is asked again until the deadline.
    void GiveUpEarly(bool early)
    {
        const string deadline = "PITR_SERVICES__MAIN__WAL__GET_DEADLINE";
        Host.Environment.Remove(deadline);
        if (early)
        {
            Host.Environment.Add(deadline, "1s");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_segment_is_found_again_as_it_was_and_pushing_it_again_is_the_same_success(bool agent)
    {
        await UseAgentAsync(agent);
        (await PushAsync(Segment)).Must();
        (await PushAsync(Segment)).Must();
        (await GetAsync(Segment)).Must();
        Assert.Equal(Content, await File.ReadAllBytesAsync(_directory["got"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Get_has_three_answers(bool agent)
    {
        await UseAgentAsync(agent);
        (await PushAsync(Segment)).Must();
        (await GetAsync(Segment)).Must();
        File.Delete(_directory["got"]);
        (await GetAsync("0000000100000000000000FF")).Must(1);
        (await GetAsync("00000007.history")).Must(1);
        (await GetAsync("what.is.this")).Must(126);

        // The repository is not where it was: nobody can tell what it holds.
        Directory.Move(Host.Repository, _directory["away"]);
        GiveUpEarly(true);
        await UseAgentAsync(agent);
        (await GetAsync(Segment)).Must(126).MustSay(Host.Repository);
        (await GetAsync("0000000100000000000000FF")).Must(126);
        (await GetAsync(Segment, "--standby")).Must(1).MustSay(Host.Repository);
        (await PushAsync(Segment)).Must(4).MustSay(Host.Repository);
        Assert.False(Directory.Exists(Host.Repository) && Directory.EnumerateFiles(Host.Repository, "*", SearchOption.AllDirectories).Any());

        // An empty directory in its place, an unmounted disk, is no repository either.
        Directory.CreateDirectory(Host.Repository);
        (await GetAsync(Segment)).Must(126);
        (await PushAsync(Segment)).Must(4);
        Directory.Delete(Host.Repository);
        Directory.Move(_directory["away"], Host.Repository);
        GiveUpEarly(false);
        await UseAgentAsync(agent);
        (await GetAsync(Segment)).Must();
        Assert.Equal(["got"], Directory.EnumerateFiles(_directory.Path).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_same_name_with_other_content_is_refused_with_both_fingerprints(bool agent)
    {
        await UseAgentAsync(agent);
        (await PushAsync(Segment)).Must();
        var before = TreeState.Of(Host.Repository);
        var stored = Convert.ToHexStringLower(File.ReadAllBytes(Host.WalPath(Segment)).AsSpan(64, 16));
        Spoil(content => content[content.Length / 2] ^= 1);

        var refused = (await PushAsync(Segment)).Must(7).MustSay(Segment, stored);
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Matches(refused.Errors, "[0-9a-f]{32}", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(10)).DistinctBy(m => m.Value).Count());
        Assert.Equal(before, TreeState.Of(Host.Repository));
    }

    [Fact]
    public async Task WAL_of_another_cluster_is_refused_with_both_system_identifiers()
    {
        (await PushAsync(Segment)).Must();
        var own = SystemIdentifier.ToString(CultureInfo.InvariantCulture);
        Assert.Equal(own, ControlFile.Read(Path.Combine(service.Cluster.Cluster.DataDirectory, "global/pg_control")).SystemIdentifier.ToString(CultureInfo.InvariantCulture));
        var before = TreeState.Of(Host.Repository);
        Spoil(content => BinaryPrimitives.WriteUInt64LittleEndian(content.AsSpan(SystemIdentifierOffset), 7_000_000_000_000_000_001));
        File.Move(Offered(Segment), Offered("spoiled"));
        File.Move(Offered("spoiled"), Offered(Segment));
        (await PushAsync(Segment)).Must(7).MustSay(own, "7000000000000000001", "HINT:");
        Assert.Equal(before, TreeState.Of(Host.Repository));
    }

    [Fact]
    public async Task What_is_not_the_segment_its_name_says_is_refused()
    {
        var content = Content;
        var next = service.LastSegment;
        (await PushAsync(Segment)).Must();
        var before = TreeState.Of(Host.Repository);

        await File.WriteAllBytesAsync(Offered(next), content);
        (await PushAsync(next)).Must(1).MustSay(next, "its content is of", "HINT:");
        await File.WriteAllBytesAsync(Offered(next), content[..(content.Length / 2)]);
        (await PushAsync(next)).Must(1).MustSay(next);
        await File.WriteAllBytesAsync(Offered(next), []);
        (await PushAsync(next)).Must(1).MustSay(next);
        await File.WriteAllBytesAsync(Offered(next), new byte[content.Length]);
        (await PushAsync(next)).Must(1).MustSay(next, "zeros");

        Spoil(bytes => BinaryPrimitives.WriteUInt16LittleEndian(bytes, 0xBEEF));
        (await PushAsync(Segment)).Must(1).MustSay(Segment, "BEEF");

        foreach (var name in new[] { "segment", Segment + ".bak", Segment[..23], Segment.ToLowerInvariant() + "x" })
        {
            await File.WriteAllBytesAsync(Offered(name), content);
            (await PushAsync(name)).Must(1).MustSay(name, "HINT:");
        }

        (await PushAsync("0000000100000000000000EE")).Must(1).MustSay("0000000100000000000000EE");
        await File.WriteAllTextAsync(Offered("00000002.history"), "not a history\n");
        (await PushAsync("00000002.history")).Must(1).MustSay("00000002.history");
        Assert.Equal(before, TreeState.Of(Host.Repository));
    }

    [Fact]
    public async Task A_file_that_cannot_be_read_is_not_archived()
    {
        File.SetUnixFileMode(Offered(Segment), UnixFileMode.None);
        (await PushAsync(Segment)).Must(1).MustSay(Segment, "HINT:");
        Assert.False(File.Exists(Host.WalPath(Segment)));
    }

    [Fact]
    public async Task Histories_backup_labels_and_partial_segments_go_there_and_back()
    {
        var partial = Segment + ".partial";
        File.Copy(Offered(Segment), Offered(partial));
        await File.WriteAllTextAsync(Offered("00000002.history"), $"1\t0/3000000\tno recovery target specified\n");
        var label = Assert.Single(Directory.EnumerateFiles(Path.GetDirectoryName(service.Host.WalPath(Segment))!, "*.backup").Select(Path.GetFileName).Order(StringComparer.Ordinal).Take(1))!;
        (await service.Host.RunAsync("wal", "get", "main", label, Offered(label))).Must();
        Assert.Contains("START WAL LOCATION", await File.ReadAllTextAsync(Offered(label)), StringComparison.Ordinal);

        foreach (var name in new[] { partial, "00000002.history", label })
        {
            (await PushAsync(name)).Must();
            (await PushAsync(name)).Must();
            (await GetAsync(name)).Must();
            Assert.Equal(await File.ReadAllBytesAsync(Offered(name)), await File.ReadAllBytesAsync(_directory["got"]));
        }

        await File.WriteAllTextAsync(Offered("00000002.history"), $"1\t0/4000000\tanother branch\n");
        (await PushAsync("00000002.history")).Must(7).MustSay("00000002.history");

        // The partial segment is not the segment.
        (await GetAsync(Segment)).Must(1);
    }

    [Fact]
    public async Task A_repository_of_a_newer_format_is_left_alone()
    {
        (await PushAsync(Segment)).Must();
        await ReplaceFormatAsync("repository.json", 2);
        var before = TreeState.Of(Host.Repository);
        (await service.Host.RunAsync("wal", "get", "main", service.LastSegment, Offered(service.LastSegment))).Must();
        (await PushAsync(service.LastSegment)).Must(4).MustSay("2");
        (await Host.RunAsync("info")).Must(4).MustSay("2");
        (await Host.RunAsync("restore", "main", "--to", _directory["to"])).Must(4).MustSay("2");
        (await Host.RunAsync("key", "list")).Must(4).MustSay("2");
        (await Host.InitAsync("Host=/nowhere", _directory["data"], "--force")).Must(4).MustSay("2");
        Assert.Equal(before, TreeState.Of(Host.Repository));
        Assert.False(Directory.Exists(_directory["to"]));
    }

    [Fact]
    public async Task A_place_that_was_never_made_a_repository_stays_empty()
    {
        Directory.Delete(Host.Repository, recursive: true);
        Directory.CreateDirectory(Host.Repository);
        (await PushAsync(Segment)).Must(4).MustSay("repository.json", "HINT:");
        (await Host.RunAsync("info")).Must(4);
        (await Host.RunAsync("restore", "main", "--to", _directory["to"])).Must(4);
        GiveUpEarly(true);
        (await GetAsync(Segment)).Must(126);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Host.Repository));
    }

    [Fact]
    public async Task Without_room_nothing_is_acknowledged_and_nothing_is_half_there()
    {
        // An rlimit where no small disk is at hand: both fail in the middle of a write.
        using var small = TestEnvironment.SmallDisk is { } disk ? new Filled(Path.Combine(disk, Guid.NewGuid().ToString("N"))) : null;
        if (small is not null)
        {
            Directory.Delete(Host.Repository, recursive: true);
            Directory.CreateSymbolicLink(Host.Repository, small.Directory);
            // Other tests may be filling the same disk at this moment.
            await Eventually.IsTrueAsync(() => new DriveInfo(small.Directory).AvailableFreeSpace > 18 << 20, () => "the small disk has room");
            (await Host.InitAsync($"Host={_directory.Path}", _directory["data"], "--force")).Must();
            Host.WriteConfiguration();
        }

        // Content that does not compress, so that the object is as large as the segment.
        (await PushAsync(Segment)).Must();
        var whole = TreeState.Of(small?.Directory ?? Host.Repository);
        var next = service.LastSegment;
        (await service.Host.RunAsync("wal", "get", "main", next, Offered(next))).Must();
        var content = await File.ReadAllBytesAsync(Offered(next));
        Random.Shared.NextBytes(content.AsSpan(WalSegmentHeaderBytes, 12 << 20));
        await File.WriteAllBytesAsync(Offered(next), content);
        small?.Fill(keepFree: 4 << 20);

        var refused = small is null
            ? await ProgramRun.RunAsync("/bin/sh", ["-c", "trap '' XFSZ; ulimit -f 8192; exec \"$@\"", "sh", TestEnvironment.Pitr, "--config", Host.ConfigurationFile, "wal", "push", "main", Offered(next)], NoExecutableFile)
            : await PushAsync(next);
        refused.Must(4).MustSay(next, small is null ? "File too large" : "No space left", "HINT:");
        Assert.False(File.Exists(Host.WalPath(next)));
        (await GetAsync(next)).Must(1);

        small?.Free();
        Assert.Equal(whole.Where(IsFile), TreeState.Of(small?.Directory ?? Host.Repository).Where(IsFile));
        (await PushAsync(next)).Must();
        (await GetAsync(next)).Must();
        Assert.Equal(content, await File.ReadAllBytesAsync(_directory["got"]));
    }

    const int WalSegmentHeaderBytes = 8192;

    // The .NET runtime keeps compiled code in a file in memory, which the limit would hit first.
    static readonly Dictionary<string, string> NoExecutableFile = new() { ["DOTNET_EnableWriteXorExecute"] = "0" };

    static bool IsFile(string state) => state.Contains(' ', StringComparison.Ordinal);

    void Spoil(Action<byte[]> change)
    {
        var content = Content;
        change(content);
        File.WriteAllBytes(Offered(Segment), content);
    }

    async Task ReplaceFormatAsync(string key, int format)
    {
        var text = await File.ReadAllTextAsync(Host.PathOf(key));
        Assert.Contains("\"format\": 1", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(Host.PathOf(key), text.Replace("\"format\": 1", $"\"format\": {format}", StringComparison.Ordinal));
    }

    /// <summary>A directory on the small disk, which other tests may use too.</summary>
    sealed class Filled : IDisposable
    {
        public Filled(string directory) => Directory = System.IO.Directory.CreateDirectory(directory).FullName;

        public string Directory { get; }

        string Filler => Directory + ".filler";

        public void Fill(long keepFree)
        {
            using var file = File.OpenHandle(Filler, FileMode.Create, FileAccess.Write, FileShare.None, FileOptions.None, Math.Max(0, new DriveInfo(Directory).AvailableFreeSpace - keepFree));
        }

        public void Free() => File.Delete(Filler);

        public void Dispose()
        {
            Free();
            System.IO.Directory.Delete(Directory, recursive: true);
        }
    }
}
