using Pitr.EndToEnd.Tests.Clusters;
using Pitr.EndToEnd.Tests.Programs;

namespace Pitr.EndToEnd.Tests;

/// <summary>A damaged object is named, and nothing that was made from it can be taken for a cluster.</summary>
[Collection(ProtectedServiceCollection.Name)]
public sealed class CorruptionTests(ProtectedService service) : IDisposable
{
    readonly TestDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    string Manifest => $"services/main/backups/{service.Backup}/manifest";

    string Pack => $"services/main/packs/{service.Backup}/000000";

    static void Flip(PitrHost host, string key, Func<int, int> at)
    {
        var content = File.ReadAllBytes(host.PathOf(key));
        content[at(content.Length)] ^= 0x10;
        File.WriteAllBytes(host.PathOf(key), content);
    }

    async Task RequireNoClusterAsync(PitrHost machine, int exitCode, string names)
    {
        var to = _directory["to"];
        (await machine.RunAsync("restore", "main", "--to", to)).Must(exitCode).MustSay(names, "HINT:");
        if (Directory.Exists(to))
        {
            var start = await ProgramRun.RunAsync("/usr/lib/postgresql/15/bin/postgres", ["-D", to, "-c", "listen_addresses=", "-c", $"unix_socket_directories={_directory.Path}"]);
            Assert.NotEqual(0, start.ExitCode);
            Assert.False(File.Exists(Path.Combine(to, "global/pg_control")));
        }
    }

    [Fact]
    public async Task A_flipped_bit_in_WAL_is_unknown_not_absent_and_named()
    {
        var machine = service.CopyTo(_directory);
        var key = Path.GetRelativePath(machine.Repository, machine.WalPath(service.FirstSegment));
        foreach (var at in new Func<int, int>[] { length => length / 2, length => length - 1, _ => 40, _ => 3 })
        {
            Flip(machine, key, at);
            (await machine.RunAsync("wal", "get", "main", service.FirstSegment, _directory["got"])).Must(126).MustSay(key, "damaged", "HINT:");
            (await machine.RunAsync("wal", "get", "main", service.FirstSegment, _directory["got"], "--standby")).Must(1).MustSay(key);
            Assert.Equal([], Directory.EnumerateFiles(_directory.Path));
            Flip(machine, key, at);
        }

        var whole = await File.ReadAllBytesAsync(machine.PathOf(key));
        foreach (var length in new[] { 0, 50, 104, whole.Length - 1 })
        {
            await File.WriteAllBytesAsync(machine.PathOf(key), whole[..length]);
            (await machine.RunAsync("wal", "get", "main", service.FirstSegment, _directory["got"])).Must(126).MustSay(key);
        }

        await File.WriteAllBytesAsync(machine.PathOf(key), whole);
        (await machine.RunAsync("wal", "get", "main", service.FirstSegment, _directory["got"])).Must();
    }

    [Fact]
    public async Task WAL_under_another_name_is_not_given_out()
    {
        var machine = service.CopyTo(_directory);
        File.Copy(machine.WalPath(service.LastSegment), machine.WalPath(service.FirstSegment), overwrite: true);
        (await machine.RunAsync("wal", "get", "main", service.FirstSegment, _directory["got"])).Must(126).MustSay(service.FirstSegment);
        Assert.False(File.Exists(_directory["got"]));
    }

    [Fact]
    public async Task Recovery_stops_at_damaged_WAL_instead_of_ending_early()
    {
        var machine = service.CopyTo(_directory);
        var key = Path.GetRelativePath(machine.Repository, machine.WalPath(service.FirstSegment));
        Flip(machine, key, length => length / 2);
        var to = _directory["to"];
        var run = await machine.RunAsync("restore", "main", "--to", to, "--start", "--socket-directory", _directory.Path);
        run.Must(10).MustSay("FATAL");
        Assert.Contains(key, run.Errors + await File.ReadAllTextAsync(Path.Combine(to, "pitr-recovery.log")), StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(Path.Combine(to, "pg_wal"), "*.history"));

        // With the object healed the same directory goes on to the end.
        Flip(machine, key, length => length / 2);
        Directory.Delete(to, recursive: true);
        await using var restored = await RestoredCluster.StartAsync(machine, to);
        Assert.Equal(service.ContentLatest, await restored.ScalarAsync<string>(ProtectedService.Content));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task A_flipped_bit_in_a_pack_ends_the_restore(int part)
    {
        var machine = service.CopyTo(_directory);
        Flip(machine, Pack, length => length - 1 - (length / part));
        await RequireNoClusterAsync(machine, 5, Pack);
    }

    [Fact]
    public async Task A_truncated_pack_ends_the_restore()
    {
        var machine = service.CopyTo(_directory);
        var whole = await File.ReadAllBytesAsync(machine.PathOf(Pack));
        await File.WriteAllBytesAsync(machine.PathOf(Pack), whole[..(whole.Length / 3)]);
        await RequireNoClusterAsync(machine, 5, Pack);
        await File.WriteAllBytesAsync(machine.PathOf(Pack), whole);

        // The directory it left behind may be filled again.
        (await machine.RunAsync("restore", "main", "--to", _directory["to"])).Must();
        Assert.True(File.Exists(_directory["to/global/pg_control"]));
    }

    [Fact]
    public async Task A_missing_pack_ends_the_restore()
    {
        var machine = service.CopyTo(_directory);
        File.Delete(machine.PathOf(Pack));
        await RequireNoClusterAsync(machine, 5, Pack);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(40)]
    [InlineData(-1)]
    [InlineData(-5000)]
    public async Task A_flipped_bit_in_the_manifest_ends_the_restore(int at)
    {
        var machine = service.CopyTo(_directory);
        Flip(machine, Manifest, length => at < 0 ? length + at : at);
        await RequireNoClusterAsync(machine, 5, Manifest);
    }

    [Fact]
    public async Task A_damaged_catalog_entry_is_named()
    {
        var machine = service.CopyTo(_directory);
        var key = $"services/main/backups/{service.Backup}/backup.json";
        await File.WriteAllTextAsync(machine.PathOf(key), (await File.ReadAllTextAsync(machine.PathOf(key)))[..200]);
        await RequireNoClusterAsync(machine, 5, key);
    }

    [Fact]
    public async Task A_damaged_key_document_is_replaced_by_its_second_copy_and_both_damaged_are_named()
    {
        var machine = service.CopyTo(_directory);
        var first = Assert.Single(Directory.EnumerateFiles(machine.PathOf("keys")));
        var second = Assert.Single(Directory.EnumerateFiles(machine.PathOf("services/main/keys")));
        var whole = await File.ReadAllTextAsync(first);
        foreach (var damaged in new[] { "", "{", whole[..(whole.Length / 2)], Changed(whole, "ciphertext"), Changed(whole, "enc") })
        {
            await File.WriteAllTextAsync(first, damaged);
            await File.WriteAllTextAsync(second, whole);
            (await machine.RunAsync("wal", "get", "main", service.FirstSegment, _directory["got"])).Must();

            await File.WriteAllTextAsync(second, damaged);
            (await machine.RunAsync("wal", "get", "main", service.FirstSegment, _directory["got"])).Must(126).MustSay("keys/" + Path.GetFileName(first));
        }

        await RequireNoClusterAsync(machine, 5, "keys/" + Path.GetFileName(first));
        File.Delete(first);
        File.Delete(second);
        await RequireNoClusterAsync(machine, 6, "keys/" + Path.GetFileName(first));
    }

    // Another letter in the middle of the member's value.
    static string Changed(string json, string member)
    {
        var at = json.IndexOf($"\"{member}\"", StringComparison.Ordinal) + member.Length + 20;
        return json[..at] + (json[at] == 'A' ? 'B' : 'A') + json[(at + 1)..];
    }
}
